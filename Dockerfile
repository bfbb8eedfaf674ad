# One image for every role. The first word after the image's name is a command of manage.py:
#
#   docker run -v mailhost:/data -p 25:2525 -p 465:2465 -p 993:2993 -p 443:8080 -e MAIL_HOSTNAME=mail.example.org mailhost
#   docker run … mailhost serve --only listeners       (or web, worker, beat: deploy/compose.yaml)
#   docker exec -it CONTAINER mailhost user add alice@example.org
#
# It runs as a user without rights, keeps everything it owns in /data, and needs no writable root file system
# (`--read-only --tmpfs /tmp`). Doors listen on high ports inside; the host maps the real ones.
ARG BASE=debian:12.12-slim

FROM ${BASE} AS build
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/mailhost
COPY constraints.txt requirements.txt ./
RUN python3 -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check -q -r requirements.txt
COPY . .
RUN ln -s ../../scripts/mailhost .venv/bin/mailhost \
 && python3 -m compileall -q apps mailhost

FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates libarchive13 python3 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 mailhost \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --no-log-init --shell /usr/sbin/nologin mailhost \
 && install -d -o mailhost -g mailhost -m 0700 /data
COPY --from=build /srv/mailhost /srv/mailhost
WORKDIR /srv/mailhost
ENV PATH=/srv/mailhost/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MAILHOST_DATA=/data \
    SMTP_LISTEN=0.0.0.0:2525 \
    SUBMISSION_LISTEN=0.0.0.0:2587 \
    SUBMISSIONS_LISTEN=0.0.0.0:2465 \
    IMAP_LISTEN=0.0.0.0:2143 \
    IMAPS_LISTEN=0.0.0.0:2993 \
    POP3_LISTEN=0.0.0.0:2110 \
    POP3S_LISTEN=0.0.0.0:2995 \
    WEB_LISTEN=0.0.0.0:8080
USER mailhost
VOLUME /data
EXPOSE 2525 2587 2465 2143 2993 2110 2995 8080
STOPSIGNAL SIGTERM
# The web door's own certificate may be self-signed, and this asks only whether the door answers.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-c", "import os, ssl, urllib.request; scheme = 'http' if os.environ.get('WEB_TLS') == 'off' else 'https'; urllib.request.urlopen(scheme + '://127.0.0.1:8080/healthz', timeout=8, context=ssl._create_unverified_context())"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve"]
