"""Which keys hold a secret, by their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.redact.keys import HARMLESS, KeyClass, Secrecy, classify, words_of

STRONG_KEYS = """
aws_secret_access_key awsSecretAccessKey AWS_SECRET_ACCESS_KEY aws_access_key_id AWSAccessKeyId
x-api-key X-Api-Key xApiKey api.key apikey API_KEY apiKeys api_key_2 API_KEY_PROD openai_api_key openAIApiKey OPENAI_KEY
HF_TOKEN hf-token hfToken hub_token huggingface_token access_token accessToken refresh_token id_token session_token
auth_token authToken _authToken bot_token personal_access_token ci_job_token csrf_token jwt token x-vault-token
password Password db_password dbPassword DB_PASSWORD passwd pwd passphrase passcode user_password password_hash
old_password password2 PGPASSWORD MYSQL_ROOT_PASSWORD ssh_key_passphrase db_pass smtpPass dbpass
secret secrets client_secret clientSecret app_secret secret_key SECRET_KEY_BASE jwt_secret webhook_secret secretkey
secret_id
private_key privateKey PRIVATE_KEY_PEM ssh_private_key encryption_key signing_key master_key account_key AccountKey
SharedAccessKey Ocp-Apim-Subscription-Key subscription_key license_key wandb_api_key wandb_key deploy_key
storage_access_key
authorization Authorization Proxy-Authorization bearer cookie Cookie cookies set-cookie Set-Cookie credentials creds
google_application_credentials cvv ssn card_number creditCard credit_card_number totp mnemonic seed_phrase
"""

HARMLESS_KEYS = """
pad_token_id max_new_tokens max_tokens tokenizer tokenizer_name author authors key_padding_mask eos_token bos_token
sep_token cls_token mask_token unk_token pad_token token_type_ids token_ids num_tokens n_tokens tokens
tokens_per_second token_embedding token_count token_type next_token image_token image_token_id stop_token
prompt_tokens completion_tokens total_tokens input_tokens cached_tokens special_tokens added_tokens
keyboard monkey donkey turkey hockey keyframe keypoints keyword keywords key keys key_id key_name primary_key sort_key
attention_key foreign_key cache_key partition_key routing_key public_key ssh_public_key past_key_values query_key_value
num_key_value_heads idempotency_key hotkey secretary secretariat secret_name secret_arn passed passes passages
passenger passport passthrough bypass compass forward_pass low_pass pass_rate password_length has_password
is_password password_file password_policy passwordless session session_id sessionId user username client_id
authority authenticated authorization_url oauth_callback auth_type auth_url cookie_name cookie_consent
credential_type api_key_name api_version api_base state_dict hidden_state secret.py password.py show_token get_token
my-secret-7d9f8b6c5-x2x4z reset-password-7d9f8b6c5-x2x4z KeyError InvalidTokenError
AuthenticationError pat stop_pat max_pat loss lr learning_rate seed step epoch batch_size checkpoint commit sha256
digest checksum
"""

WEAK = [
    "pass",
    "auth",
    "x_auth",
    "app_key",
    "client_key",
    "storage_key",
    "router_token",
    "my_token",
    "access_tokens",
    "GITHUB_PAT",
    "AZURE_DEVOPS_EXT_PAT",
]


@pytest.mark.parametrize("key", STRONG_KEYS.split())
def test_a_key_that_holds_a_secret(key):
    assert classify(key).secrecy is Secrecy.STRONG


@pytest.mark.parametrize("key", HARMLESS_KEYS.split())
def test_a_key_that_holds_none(key):
    assert classify(key) == HARMLESS


@pytest.mark.parametrize("key", WEAK)
def test_a_key_whose_value_decides(key):
    assert classify(key).secrecy is Secrecy.WEAK


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("password", "password"),
        ("client_secret", "secret"),
        ("x-api-key", "api-key"),
        ("HF_TOKEN", "token"),
        ("ssh_key", "private-key"),
        ("cookie", "cookie"),
        ("creds", "credential"),
        ("cvv", "personal"),
    ],
)
def test_the_kind_says_what_was_there(key, kind):
    assert classify(key) == KeyClass(Secrecy.STRONG, kind)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("openAIApiKey", ["open", "ai", "api", "key"]),
        ("X-Api-Key", ["x", "api", "key"]),
        ("api.key_2", ["api", "key", "2"]),
        ("HTTPProxyPassword", ["http", "proxy", "password"]),
        ("", []),
        ("--", []),
    ],
)
def test_words(key, words):
    assert words_of(key) == words


@given(st.text(max_size=300))
def test_no_key_makes_it_raise(key):
    assert classify(key) == classify(key)


@given(st.sampled_from(["db password", "openai api key", "hf token", "client secret"]), st.sampled_from("_-. "))
def test_the_spelling_does_not_matter(words, separator):
    snake = classify(separator.join(words.split()))
    camel = classify("".join(map(str.title, words.split())))
    assert snake == camel == classify(separator.join(words.upper().split()))
