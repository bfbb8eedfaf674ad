"""CSV files, in and out."""

from django.urls import path

from apps.console.views import exports, imports

urlpatterns = [
    path("import/", imports.bring, name="console-import"),
    path("import/template/", exports.template, name="console-import-template"),
    path("import/<uuid:job>/", imports.page, name="console-import-job"),
    path("import/<uuid:job>/start/", imports.start, name="console-import-start"),
    path("import/<uuid:job>/cancel/", imports.cancel, name="console-import-cancel"),
    path("import/<uuid:job>/undo/", imports.undo, name="console-import-undo"),
    path("import/<uuid:job>/wrong/", exports.to_mend, name="console-import-wrong"),
    path("import/<uuid:job>/added/", exports.added, name="console-import-added"),
    path("export/", exports.export, name="console-export"),
]
