"""Texts of ML programs that speak of keys, tokens and passwords and hold none: not a byte may change."""

import pytest

from otel_mldebug.rules.redact import Redactor

TEXTS = """
pad_token_id=50256
max_new_tokens: 20
tokenizer='bert-base'
author: Bob
authors=['Ada', 'Bob']
co-authored-by: Bob
key_padding_mask=None
eos_token='</s>'
token_type_ids: [0, 0, 1]
num_tokens=512
tokens_per_second: 123.4
keyboard=us
monkey: george
secretary: alice
passed: 5
bypass=true
compass: north
primary_key=id
sort_key='name'
attention_key=key
passages=['a b c']
bos_token: <s>
next_token: hello
image_token=<image>
token_embeddings: Embedding(50257, 768)
additional_special_tokens=['<a>', '<b>']
special_tokens_map={'pad_token': '[PAD]'}
{'token': 50256, 'token_str': ' the', 'score': 0.1}
"token": "[MASK]"
stop_token="\\n"
word_tokens=[1, 2, 3]
max_tokens=4096 tokens
num_key_value_heads=8
query_key_value.weight
past_key_values=None
key: torch.Size([2, 8, 64])
key=lambda x: x[1]
sorted(x, key=len)
cache_key=abc123def456
partition_key=abc123
idempotency_key=6ba7b810-9dad-11d1-80b4-00c04fd430c8
foreign_key=users.id
routing_key=task.queue1
hotkey=ctrl+c
encryption_key_size=256
password_length=12
has_password: true
secret_name=my-secret
api_key_name: foo
session_id=abc123def456
run_id: 3f2a1b4c
auth_type: basic
auth: false
keypoints=[1, 2], keyframe: 5
passthrough=True, passenger='bob', passport=1
first_pass_yield=1
forward_pass=12.3
backward pass: 4.5 ms
pass: 5 fail: 2
monkeypatch.setenv('X', '1')
tokenized=True detokenize: x
broken: yes taken: 5
authority=x authenticated=True
discreet=1 concrete=1 secret/data/foo: not found
KeyError: 'token'
KeyError: 'OPENAI_API_KEY'
Please set OPENAI_API_KEY
Unexpected token: '<'
SyntaxError: unexpected token: 'foo1bar2'
expected token ',', got 'string1'
unexpected token } in JSON at position 5
found character '\\t' that cannot start any token
Token is required (`token=True`), but no token found.
You need to provide a `token` or be logged in to Hugging Face with `hf auth login`.
use_auth_token=True
Token indices sequence length is longer than the specified maximum (1024 > 512)
Access denied for user 'root'@'localhost' (using password: YES)
FATAL: password authentication failed for user "alice"
invalid username-password pair or user is disabled
Invalid password: must be at least 8 characters
password: required
the secret: it never worked
TypeError: login() missing 1 required positional argument: 'password'
TypeError: __init__() got an unexpected keyword argument 'token'
missing fields: ['api_key', 'token', 'model']
required = ('password', 'username')
Incorrect API key provided: sk-abc***xyz. You can find your API key at https://x/account/api-keys.', 'type': 'x'
Unable to locate credentials
DefaultCredentialsError: Could not automatically determine credentials
RefreshError: ('invalid_grant: Token has been expired', {})
missing key(s) in state_dict: "model.embed_tokens.weight"
size mismatch for token_embedding.weight: copying a param with shape torch.Size([1, 2])
client = OpenAI(api_key=api_key)
token = tokenizer.convert_ids_to_tokens(5)
token = self.get_token()
token=self.token
password=args.password,
password = getpass.getpass()
api_key=os.environ['OPENAI_API_KEY']
api_key = os.getenv('OPENAI_API_KEY')
auth=(user, password)
headers={'Authorization': f'Bearer {token}'}
headers={"Authorization": "Bearer " + token}
def f(token: str, password: Optional[str] = None):
raise ValueError('token must be set')
for token in tokens: print(token)
api_key=None
token: null
password=***
password: ********
api_key='...'
password=${DB_PASSWORD}
api_key: <your-key>
OPENAI_API_KEY=your-api-key-here
OPENAI_API_KEY=$OPENAI_API_KEY
Settings(password=SecretStr('**********'))
--token $HF_TOKEN
--tokenizer gpt2
--max-tokens 100
--pad-token '<pad>'
--use-auth-token --lr 3
GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D
PWD=/srv/project
OLDPWD=/home/alice/x1
SSH_AUTH_SOCK=/tmp/ssh-XX/agent.1
TOKENIZERS_PARALLELISM=false
GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/sa.json
ssl_key=/etc/ssl/private/key.pem
password_file=/run/secrets/db
/run/secrets/db_password: no such file
Enter passphrase for key '/home/alice/.ssh/id_rsa':
Bad passphrase, try again
Permission denied (publickey,password).
ssh_public_key='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabc'
Bearer token is missing
Bearer authentication failed
Bearer realm="x"
WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io"
Basic authentication required
basic training
Authorization header missing
Authorization: Bearer <token>
Authorization: Bearer $TOKEN
authorization: required
Authorization failed: user bob
Cookie: must be set
cookie policy: strict
cookies=None
CookieConflictError: There are multiple cookies with name, 'x'
token bert-base-uncased
token 50256
password hashing
key abc123def456
File "/home/alice/x/secret.py", line 3, in get_token
C:\\Users\\bob\\token.txt
curl -u 1000:1000 x
docker login --password-stdin registry.io
auth/password.py:42: DeprecationWarning
token.py:12: error
credentials.json: no such file
pod my-secret-7d9f8b6c5-x2x4z: CrashLoopBackOff
pod reset-password-7d9f8b6c5-x2x4z: Running
entry point pkg.auth.secret:main
std::password::get token::abc123x
grant_type=password&username=bob
{"type": "password", "required": true}
[PAD] password={password}
password={self.password}
gh auth login --with-token
arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf
"AWS::IAM::AccessKey": "72c2d9dd90025459"
token: https://example.com/x
Notice that we pass `record_in_macro=False`. This ensures
:param strip_user_password: If True, strip it
fallback_credentials: Credentials to use in case it is not possible
cookies: RequestsCookieJar
self.password = password
fd, token = probes.descriptors[-1]
token = Name.Function
_styles[token] = ndef
print(f"password={password!r}")
["Cookie", "Authorization", "Proxy-Authorization"]
headers={'Authorization': f'Bot {self.token}'}
auth = ("", "")
if token == "async" and not stashed:
Token: '#ffffff'
ENV_VAR_AUTH_TOKEN = 'AWS_CONTAINER_AUTHORIZATION_TOKEN'
password: DB_PASSWORD
--secret SECRET to derive the public key
root_key = typed_storage
encrypts with the encryption key 'ekey'
rng = np.random.default_rng(348932549825235)
mysql -P 3306 -h x
"""


@pytest.mark.parametrize("text", [line for line in TEXTS.splitlines() if line])
def test_not_a_byte_changes(text):
    assert Redactor().text(text) == text


def test_not_a_byte_of_all_of_them_together_changes():
    assert Redactor().text(TEXTS) == TEXTS
