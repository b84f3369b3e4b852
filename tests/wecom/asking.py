"""Ask the simulator, as any program asks WeCom."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.wecom.app import Simulator


@dataclass
class Asker:
    """Somebody with the secret. `renews`: they get another token when theirs is over."""

    simulator: Simulator
    address: str
    http: httpx2.AsyncClient
    token: str = ""
    renews: bool = True

    async def get_token(self, secret: str | None = None) -> Any:
        params = {"corpid": self.simulator.corp.corp_id, "corpsecret": secret or "secret"}
        answer = (await self.http.get("/cgi-bin/gettoken", params=params)).json()
        self.token = answer.get("access_token", self.token)
        return answer

    async def post(self, path: str, **body: Any) -> Any:
        return await self._ask("POST", path, {}, body)

    async def get(self, path: str, **params: str) -> Any:
        return await self._ask("GET", path, params, None)

    async def steer(self, what: str, **body: Any) -> Any:
        answer = await self.http.post(f"/_control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def state(self) -> Any:
        return (await self.http.get("/_control/state")).json()

    async def transfer(self, path: str, former: str, successor: str, *customers: str, **more: Any) -> dict[str, int]:
        """The code of each customer."""
        body = {"handover_userid": former, "takeover_userid": successor, "external_userid": list(customers), **more}
        answer = await self.post(path, **body)
        assert answer["errcode"] == 0, answer
        return {each["external_userid"]: each["errcode"] for each in answer["customer"]}

    async def results(self, path: str, former: str, successor: str) -> dict[str, int]:
        """The status of each customer."""
        answer = await self.post(path, handover_userid=former, takeover_userid=successor)
        return {each["external_userid"]: each["status"] for each in answer["customer"]}

    async def _ask(self, method: str, path: str, params: dict[str, str], body: Any) -> Any:
        if not self.token:
            await self.get_token()
        while True:
            shown = {"access_token": self.token, **params}
            answer = (
                await self.http.request(method, f"/cgi-bin/externalcontact/{path}", params=shown, json=body)
            ).json()
            if answer["errcode"] != 42001 or not self.renews:
                return answer
            await self.get_token()
