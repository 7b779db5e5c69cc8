"""Values of secret keys in running text: what goes, with everything around it unchanged."""

import pytest

from otel_mldebug.rules.redact import Redactor

SECRETS = [
    # assignments
    ("password", "password={}", "hunter2"),
    ("password", "password={} user=bob", "swordfish"),
    ("password", "password={}", "secret"),
    ("password", "PASSWORD={}", "pa$$word!"),
    ("password", "passwd={}", "x1"),
    ("password", "pwd: {}", "letmein1"),
    ("password", "db.password = {}", "letmein"),
    ("password", "spring.datasource.password={}", "letmein"),
    ("password", "PGPASSWORD={} psql", "abc"),
    ("password", "DB_PASS={}", "letmein"),
    ("password", "bindpw={}", "secret"),
    ("password", "pass={}", "hunter22"),
    ("password", "password={}", "12345678"),
    ("password", 'password = "{}"', "correct horse"),
    ("password", "if password == '{}':", "hunter2"),
    ("password", "self.password = '{}'", "hunter2"),
    ("password", "password='{}'", "it\\'s me"),
    ("password", "(password={})", "hunter2"),
    ("password", "<Conn password={}>", "hunter2"),
    ("password", "user=a;password={};x=1", "hunter2"),
    ("password", "login failed: user='bob' password='{}'", "hunter2"),
    ("secret", "my_secret={}", "abc"),
    ("secret", "client_secret={}", "abc~DEF.123"),
    ("secret", "aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"),
    ("secret", "'SECRET_KEY': '{}'", "django-insecure-xyz"),
    ("api-key", "COHERE_API_KEY={}", "aB3dE5fG7h" * 4),
    ("api-key", "WANDB_API_KEY={}", "0123456789" * 4),
    ("api-key", "HEROKU_API_KEY={}", "123e4567-e89b-12d3-a456-426614174000"),
    ("api-key", "api_key='{}'", "x y z"),
    ("api-key", "Config(api_key='{}', lr=0.1)", "abcdefg"),
    ("api-key", "Namespace(lr=0.1, wandb_key='{}', seed=1)", "abc123"),
    ("api-key", "os.environ['OPENAI_API_KEY'] = '{}'", "abcdefghijkl"),
    ("api-key", 'api_key: str = "{}"', "abcdefghijkl"),
    ("api-key", 'api_key: Optional[str] = "{}"', "abcdefghijkl"),
    ("api-key", "$env:API_KEY={}", "abcdefg1"),
    ("api-key", "api_key%3D{}%26x", "abc123"),
    ("api-key", "x = f'api_key={}'", "abc1234"),
    ("token", "export HF_TOKEN={}", "abc"),
    ("token", 'token = "{}"', "abc123def"),
    ("token", "token = b'{}'", "abc123"),
    ("token", "token:{}", "abc123"),
    ("token", "//registry.npmjs.org/:_authToken={}", "abc-123"),
    ("token", "accessToken={}", "abcdef"),
    # colons
    ("password", "password: {}", "hunter2"),
    ("password", "db_password: {}", "swordfish"),
    ("password", "Password: {}\nUser: bob", "swordfish"),
    ("password", "config:\n  password: {}\n  host: x", "swordfish"),
    ("api-key", "  api_key: {}", "abc123"),
    ("api-key", "DD-API-KEY: {}", "0123456789abcdef" * 2),
    ("api-key", "x-api-key: {}\r\nAccept: */*", "abcdef"),
    ("api-key", "OPENAI_API_KEY: {}", "sk-short123"),
    ("token", "X-Vault-Token: {}", "s.abcdef12345"),
    ("token", "Invalid token: {}", "abc123def456"),
    ("token", "Access token: {}", "abcd1234efgh"),
    ("api-key", "Incorrect API key provided: {}.", "abc123def456"),
    ("api-key", "the api key {} is wrong", "abc123def456"),
    ("api-key", "invalid api key '{}'", "abc123def"),
    ("api-key", "AWS Secret Access Key [None]: {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"),
    ("password", "password is {}", "hunter2"),
    ("password", "connected with password {} to db", "hunter22"),
    # JSON, reprs, XML
    ("password", '{{"password": "{}"}}', "correct horse battery"),
    ("password", '"dbPassword":"{}"', "letmein"),
    ("password", '"password": "{}', "unterminated"),
    ("password", "{{'password': '{}', 'a': 1}}", "p,w;x"),
    ("secret", '\\"client_secret\\": \\"{}\\"', "zzz12345"),
    ("secret", '\\\\\\"client_secret\\\\\\": \\\\\\"{}\\\\\\"', "zzz12345"),
    ("token", "'token': '{}'", "abc"),
    ("token", "{{'token': '{}'}}", "abc"),
    ("password", "<password>{}</password>", "hunter2"),
    ("password", "<ns:password>{}</ns:password>", "two words"),
    ("api-key", "[('x-api-key', '{}')]", "abc1234"),
    ("api-key", "['--api-key', '{}', '--lr', '1']", "abc"),
    ("cookie", "cookies={{'session': '{}'}}", "abcdef123"),
    ("password", 'Module required username="x" password="{}";', "y z"),
    # command lines
    ("api-key", "--api-key {} --x", "abc123"),
    ("api-key", "--api-key={} --x", "abc123"),
    ("password", "--password '{}' run", "two words"),
    ("token", "train.py --hf-token {}", "abc"),
    ("password", "docker login -u bob -p {} registry", "hunter2"),
    ("password", "sshpass -p {} ssh x", "hunter2"),
    ("password", "mysql -u root -p{} db", "s3cr3t"),
    ("password", "redis-cli -h x -a {}", "foobared"),
    ("password", "curl -u admin:{} https://x", "secret1"),
    ("password", "curl --user 'admin:{}' https://x", "secret1"),
    ("wandb-key", "wandb login {}", "0123456789" * 4),
    ("password", "machine api.wandb.ai login user password {}", "0123456789" * 4),
    ("password", "CREATE USER a IDENTIFIED BY '{}'", "pw1"),
    ("password", "requests.get(u, auth=HTTPBasicAuth('bob', '{}'))", "hunter2"),
    ("authorization", "auth=('user', '{}')", "swordfish"),
    ("api-key", "wandb.login(key='{}')", "0123456789" * 4),
    ("api-key", "ENV API_KEY {}", "abc123"),
    ("password", "Driver={{ODBC}};Pwd={{{}}};x", "pa;ss1"),
    ("password", "q=%7B%22password%22%3A%22{}%22%7D", "hunter2"),
    # two lines
    ("api-key", "api_key\n  Input should be valid [type=x, input_value='{}', input_type=str]", "abcd1234"),
    ("password", "- name: DB_PASSWORD\n  value: {}", "hunter2"),
    ("password", '{{"name": "DB_PASSWORD", "value": "{}"}}', "hunter2"),
]


@pytest.mark.parametrize(("kind", "template", "secret"), SECRETS)
def test_the_value_of_a_secret_key_goes(kind, template, secret):
    assert Redactor().text(template.format(secret)) == template.format(f"[redacted:{kind}]")


def test_every_string_of_a_list_under_a_secret_key_goes():
    assert Redactor().text("api_keys=['abc1', \"def2\"]") == "api_keys=['[redacted:api-key]', \"[redacted:api-key]\"]"


def test_positions_hold_where_small_letters_are_longer_than_capitals():
    assert Redactor().text("İİİ password=hunter2 İ") == "İİİ password=[redacted:password] İ"


def test_a_marker_is_no_key():
    text = "password=abc: foo1234 token=x1y2z3: bar"

    assert Redactor().text(text) == "password=[redacted:password]: foo1234 token=[redacted:token]: bar"
