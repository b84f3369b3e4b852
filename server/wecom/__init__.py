"""WeCom (企业微信) over HTTP: what we ask of it, and what it tells us."""
