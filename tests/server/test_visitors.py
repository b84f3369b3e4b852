"""People, bots, previews in chats, and browsers that run ahead, by what they really send."""

import time

import pytest

from server.visitors import is_person

APPLE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 13; V2148A Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko)"

PEOPLE = [
    f"{APPLE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
    f"{ANDROID} Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160117 MMWEBSDK/20240501 MMWEBID/2247 "
    "MicroMessenger/8.0.50.2701(0x28003256) WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64",
    f"{APPLE} Mobile/15E148 wxwork/4.1.20 MicroMessenger/7.0.1 Language/zh ColorScheme/Light",
    f"{APPLE} Version/17.5 Mobile/15E148 Safari/604.1",
    f"{APPLE} Mobile/15E148 Weibo (iPhone13,2__weibo__13.2.2__iphone__os16.3)",
    f"{APPLE} Mobile/15E148 DingTalk/7.0.50",
    f"{APPLE} Mobile/15E148 discover/8.20 xhsdiscover",
    f"{APPLE} Mobile/15E148 Ariver/1.1.0 AliApp(AP/10.5.0.6000) Nebula WK AlipayClient/10.5.0.6000 Language/zh-Hans",
    f"{APPLE} Mobile/21E219 Instagram 327.0.0.17.84",
    f"{APPLE} Mobile/21E236 [FBAN/FBIOS;FBAV/459.0.0.38.108;FBDV/iPhone13,2;FBLC/en_GB]",
    f"{APPLE} Mobile/15E148 Safari Line/14.9.0",
    f"{APPLE} GSA/323.0.647062479 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; U; Android 12; zh-cn; M2012K11AC Build/SKQ1) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/109.0 MQQBrowser/14.5 Mobile Safari/537.36 COVC/046815",
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 "
    "Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 12; HLK-AL00; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/97.0.4692.98 Mobile Safari/537.36 T7/13.38 baiduboxapp/13.38.0.10 (Baidu; P1 12)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; zh) Presto/2.12.423 Version/12.16",
]
MACHINES = [
    "",
    "WhatsApp/2.23.20.0",
    "WhatsApp/2.24.9.78 i",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984",
    "facebookexternalhit/1.1;line-poker/1.0",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots)",
    # What Apple's Messages sends.
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 "
    "Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 "
    "Safari/537.36 WeChatBot",
    "QQ-URL-Manager",
    "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com)",
    "LarkUrl2Meta",
    "Viber/13.3.0.5",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0); 360Spider",
    "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 "
    "(compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Java/17.0.2",
    "Apache-HttpClient/4.5.14 (Java/11)",
    "axios/1.7.2",
    "http.rb/5.1.1 (Mastodon/4.2.0; +https://mastodon.social/)",
]


@pytest.mark.parametrize("agent", PEOPLE)
def test_browsers_and_the_browsers_inside_of_apps_are_people(agent: str) -> None:
    assert is_person({"user-agent": agent})


@pytest.mark.parametrize("agent", MACHINES)
def test_bots_previews_and_programs_are_none(agent: str) -> None:
    assert not is_person({"user-agent": agent})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ],
)
def test_a_browser_that_runs_ahead_is_nobody_yet(name: str, value: str) -> None:
    assert not is_person({"user-agent": PEOPLE[0], name: value})


def test_who_says_nothing_is_no_person_and_who_says_much_takes_no_time() -> None:
    assert not is_person({})
    started = time.perf_counter()
    for number in range(10):
        is_person({"user-agent": f"Mozilla/5.0 {number} " + "a " * 30_000})
    assert time.perf_counter() - started < 2
