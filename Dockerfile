# The service of a bundle, without what training needs: `docker compose up` builds and starts it.
FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml requirements.txt README.md LICENSE ./
RUN mkdir coupon_rec && touch coupon_rec/__init__.py && python -m venv /venv && \
    /venv/bin/pip install --no-cache-dir -c requirements.txt . && /venv/bin/pip uninstall -y coupon-rec
COPY coupon_rec coupon_rec
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home coupon && mkdir /log && chown coupon /log
COPY --from=build /venv /venv
USER 10001
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    COUPON_REC_LOG=/log/events COUPON_REC_DECISIONS=/log/decisions
VOLUME /log
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=2s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "coupon_rec", "serve"]
CMD ["/bundles/current", "--host", "0.0.0.0"]
