# One image for every process: web (the default command), worker, migrate and the other commands of `daogou`.

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /venv
# The packages change less often than the code, so they are a layer of their own.
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && /venv/bin/python -m compileall -q .

FROM python:3.12-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin daogou \
 && install --directory --owner daogou --group daogou /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PORT=8000 \
    DAOGOU_ENV=production \
    DAOGOU_HOME=/data
WORKDIR /app
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD ["daogou", "serve", "--host", "0.0.0.0"]
