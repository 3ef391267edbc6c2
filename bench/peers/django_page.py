"""The page by Django and its templates; and by `cache_page` in Redis. One file: settings, views, WSGI."""

import os
from pathlib import Path

from django.conf import settings
from tracking import LANGUAGES, page

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_I18N=True,
    USE_TZ=False,
    LANGUAGES=LANGUAGES,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["BENCH_REDIS"],
        }
    },
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
)

import json  # noqa: E402  # what follows wants the settings

import redis  # noqa: E402
from babel import Locale  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.translation import get_language  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402

parcels = redis.Redis.from_url(os.environ["BENCH_REDIS"])


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


def rendered(request: HttpRequest, number: str) -> HttpResponse:
    countries = Locale.parse(get_language(), sep="-").territories
    return render(request, "tracking_django.html", page(json.loads(parcels.get(f"parcel:{number}")), countries))


urlpatterns = [
    path("", ready),
    path("rendered/<str:number>", rendered),
    path("first/<str:number>", cache_page(1)(rendered)),
    path("cached/<str:number>", cache_page(900)(rendered)),
]
app = get_wsgi_application()
