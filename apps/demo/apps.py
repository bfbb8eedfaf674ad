"""The demo: two organisations, a dozen people and two thousand letters, made from a seed."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "apps.demo"
    label = "demo"
