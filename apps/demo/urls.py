"""The address of the demo's link; it answers 404 everywhere else."""

from django.urls import path

from apps.demo import views

urlpatterns = [path("demo/<str:token>/", views.enter, name="demo")]
