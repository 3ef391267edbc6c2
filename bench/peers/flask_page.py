"""The page by Flask, Jinja and Flask-Babel; and the finished page kept in Redis by Flask-Caching."""

import json
import os

import redis
from flask import Flask, render_template, request
from flask_babel import Babel, format_date, format_datetime, format_time, get_locale
from flask_caching import Cache
from tracking import LANGUAGES, page

TAGS = [tag for tag, _ in LANGUAGES]
URL = os.environ["BENCH_REDIS"]
app = Flask(__name__)
Babel(app, locale_selector=lambda: request.accept_languages.best_match(TAGS))
cache = Cache(app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": URL, "CACHE_DEFAULT_TIMEOUT": 900})
parcels = redis.Redis.from_url(URL)
app.jinja_env.globals |= {
    "day": lambda at: format_date(at, "EEEE, MMMM d", rebase=False),
    "clock": lambda at: format_time(at, "short", rebase=False),
    "moment": lambda at: format_datetime(at, "EEEE, MMMM d, h:mm a", rebase=False),
}


@app.get("/")
def ready() -> str:
    return "ready"


@app.get("/rendered/<number>")
def rendered(number: str) -> str:
    return render_template(
        "tracking.html", **page(json.loads(parcels.get(f"parcel:{number}")), get_locale().territories)
    )


def key() -> str:
    return f"page:{request.accept_languages.best_match(TAGS)}:{request.path}"


app.get("/first/<number>", endpoint="first")(cache.cached(timeout=1, key_prefix=key)(rendered))
app.get("/cached/<number>", endpoint="cached")(cache.cached(key_prefix=key)(rendered))
