"""Credentials in URLs and connection strings."""

import pytest

from otel_mldebug.rules.redact import Redactor

URLS = [
    ("url-password", "postgres://user:{}@db:5432/x", "hunter2"),
    ("url-password", "postgresql+psycopg2://u:{}@db/x", "p@ss"),
    ("url-password", "postgresql://u:{}@db/x", "p/w?x"),
    ("url-password", "mysql+pymysql://root:{}@127.0.0.1/x?charset=utf8", "toor"),
    ("url-password", "mongodb+srv://admin:{}@cluster0.mongodb.net", "Pa55w0rd"),
    ("url-password", "redis://:{}@localhost:6379/0", "foobared"),
    ("url-password", "rediss://default:{}@cache.internal:6380", "f00#bar"),
    ("url-password", "amqp://svc:{}@rabbit:5672//", "carrot"),
    ("url-password", "mssql+pyodbc://sa:{}@host/db?driver=x", "Str0ng!Pass"),
    ("url-password", "snowflake://user:{}@acct/db", "pw"),
    ("url-password", "smtp://u%40x.com:{}@mail:25", "pw"),
    ("url-password", "ftp://user:{}@host/x", "pass"),
    ("url-password", "https://bob:{}@proxy:3128", "pw"),
    ("url-password", "https://user:{}@host", "p:w"),
    ("url-password", "git+https://oauth2:{}@gitlab.com/x.git", "t0ken-of-mine"),
    ("url-password", "http_proxy=user:{}@proxy.corp:3128", "pw1x"),
    ("url-password", "jdbc:oracle:thin:scott/{}@//h:1521/x", "tiger"),
    ("url-password", "https://{}@o123.ingest.sentry.io/456", "0123456789abcdef" * 2),
    ("url-password", "https://{}:x-oauth-basic@github.com/x/y", "0a1b2c3d4e"),
    ("password", "jdbc:mysql://h:3306/db?user=root&password={}", "toor"),
    ("password", "jdbc:sqlserver://h;user=sa;password={};encrypt=true", "Secr3t"),
    ("password", "Driver={{ODBC}};Server=x;Uid=sa;Pwd={};", "S3cret!x"),
    ("password", "Data Source=x;User Id=sa;Password={};", "Secr3t!"),
    ("password", "host=db port=5432 user=alice password={} dbname=prod", "s3cr3t"),
    ("api-key", "AccountName=x;AccountKey={};EndpointSuffix=core.windows.net", "aB3dE5fG7h" * 8 + "aB3dE5=="),
    ("api-key", "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={}", "aB3dE5fG7h" * 4 + "abc="),
    ("signature", "https://x.blob.core.windows.net/c/b?sv=2020&sp=r&sig={}&se=2024", "ab%2Bcdef123456%3D"),
    ("signature", "https://s3/x?X-Amz-Signature={}&X-Amz-Expires=3", "0123456789abcdef" * 4),
    ("signature", "https://storage.googleapis.com/b/o?X-Goog-Signature={}", "0123456789abcdef" * 8),
    ("signature", "https://api.x.com/v1?key={}&z=1", "abc123"),
    ("token", "/v1/x?access_token={} (Caused by X)", "abc123"),
    ("token", "https://x/#access_token={}&token_type=bearer", "abc123"),
    ("token", "http://localhost:8888/?token={}", "0123456789abcdef" * 3),
    ("token", "redirect=https%3A%2F%2Fx%3Ftoken%3D{}%26y%3D1", "abc123"),
    ("token", "[link](https://x?a=1&token={})", "abc123"),
    ("token", "https://x?token={}, retrying", "abc123"),
    ("api-key", "https://x/v1?api_key={}.", "abc123"),
    ("secret", "https://x/oauth?client_id=a&client_secret={}&z", "s3"),
    ("webhook", "POST https://hooks.slack.com/services/{} failed", "T00000000/B00000000/aB3dE5fG7h"),
    ("webhook", "https://discord.com/api/webhooks/123456789012345678/{}", "aB3dE5fG7h" * 6),
    ("webhook", "https://x.webhook.office.com/webhookb2/{}", "1111-2222@333/IncomingWebhook/abc/def"),
]


@pytest.mark.parametrize(("kind", "url", "secret"), URLS)
@pytest.mark.parametrize("around", ["{}", "could not reach {}", "'{}'", "<{}>"])
def test_only_the_secret_part_of_a_url_goes(kind, url, secret, around):
    text = around.format(url)

    assert Redactor().text(text.format(secret)) == text.format(f"[redacted:{kind}]")


@pytest.mark.parametrize(
    "text",
    [
        "https://huggingface.co/bert-base-uncased/resolve/main/config.json",
        "https://example.com:8080/path@v1",
        "https://user@example.com/x",
        "ssh://git@github.com/org/repo",
        "git@github.com:org/repo.git",
        "git+https://github.com/x/y@0123456789abcdef0123456789abcdef01234567",
        "abfss://c@acct.dfs.core.windows.net/x",
        "docker://python:3.11@sha256:" + "0123456789abcdef" * 4,
        "oci://ghcr.io/a/b:1@sha256:" + "0123456789abcdef" * 4,
        "https://medium.com/@user/post",
        "https://x.com:443/@user",
        "https://x.com/?q=token&page=2",
        "https://example.com/?tokenizer=gpt2&max_tokens=5",
        "https://example.com/?list-type=2&prefix=key",
        "https://example.com/?page_token=abc123def456",
        "https://example.com/?hash=" + "0123456789abcdef" * 4,
        "https://files.pythonhosted.org/packages/x.whl#sha256=" + "0123456789abcdef" * 4,
        "https://example.com/?key=name",
        "https://example.com/?code=404",
        "postgres://user:${DB_PASSWORD}@db/x",
        "postgres://user:***@db/x",
        "postgres://user:<password>@db/x",
        "s3://bucket/key=abc/part-0001",
        "tcp://10.0.0.1:29500",
        "sqlite:////data/x.db",
        "max retries exceeded with url: /api/models/x (Caused by X)",
        "https://slack.com/services",
        "http://[::1]:8080/x",
    ],
)
def test_a_url_without_credentials_stays(text):
    assert Redactor().text(text) == text
