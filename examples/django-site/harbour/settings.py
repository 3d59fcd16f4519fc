"""Settings of the site. What differs between machines is in the environment."""

from __future__ import annotations

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "not a secret")
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "harbour.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
