# Two stages: durable-rules needs a C compiler, the running image does not. Build from the root of the repository:
#   docker build -t cart-cds .
#   docker run --read-only --tmpfs /tmp -p 8080:8080 -e CART_CDS_AUTH=jwt -e CART_CDS_CLIENTS=/etc/cart-cds/clients.json \
#     -v ./clients.json:/etc/cart-cds/clients.json:ro -v cart-cds-var:/var/lib/cart-cds cart-cds
FROM python:3.12.12-slim-trixie AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/cart-cds
COPY requirements/run.txt requirements/build.txt requirements/
RUN /opt/cart-cds/bin/pip install --require-hashes --requirement requirements/build.txt \
 && /opt/cart-cds/bin/pip install --require-hashes --no-build-isolation --requirement requirements/run.txt
COPY requirements/wheel.txt requirements/
RUN python -m venv /opt/wheel && /opt/wheel/bin/pip install --require-hashes --requirement requirements/wheel.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY cds_service cds_service
COPY rules rules
COPY fhir_samples fhir_samples
RUN /opt/wheel/bin/python -m hatchling build --target wheel \
 && /opt/cart-cds/bin/pip install --no-deps --no-index dist/*.whl \
 && /opt/cart-cds/bin/pip uninstall --yes setuptools wheel pip \
 && /opt/cart-cds/bin/python -c "import durable.engine, cds_service.app"

FROM python:3.12.12-slim-trixie
LABEL org.opencontainers.image.title="cart-cds" \
      org.opencontainers.image.description="CDS Hooks service that suggests a CAR-T referral review" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /var/lib/cart-cds --create-home cart-cds
COPY --from=build /opt/cart-cds /opt/cart-cds
ENV PATH=/opt/cart-cds/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    CART_CDS_DATABASE_URL=sqlite:////var/lib/cart-cds/cart-cds.db
WORKDIR /var/lib/cart-cds
USER 10001
EXPOSE 8080
VOLUME ["/var/lib/cart-cds"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["cart-cds", "serve", "--host", "0.0.0.0", "--port", "8080"]
