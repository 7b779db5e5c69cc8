"""The vocabulary of key names: which words make a key secret, and which make it harmless again."""


def vocabulary(text: str) -> frozenset[str]:
    """Return the words of `text`; lists of words stay readable that way."""
    return frozenset(text.split())


PASSWORD_WORDS = vocabulary(
    "password passwords passwd passwds passphrase passphrases passcode pwd pswd passwort keypass storepass "
    "sshpass pgpassword bindpw"
)
PASSWORD_PARTS = ("password", "passwd", "passphrase", "passcode")
PASS_OWNERS = vocabulary(
    "admin amqp auth basic broker celery clickhouse couchdb database db elastic email es ftp http https imap "
    "jenkins kafka key keystore ldap login mail mongo mongodb mqtt my mysql neo4j nexus pg pop postgres postgresql "
    "proxy rabbit rabbitmq redis root router sa server service sftp smtp sql ssh sudo svn truststore user vault vnc "
    "vpn web wifi wlan"
)
"""Words before a final `pass` that make it a password; `forward_pass` and `low_pass` have none of them."""

SECRET_FOLLOWERS = vocabulary("access key keys token id string text value base b64 base64 data json phrase")
"""What may follow `secret` in a key that is itself a secret: `secret_key_base`, `secret_access_key`."""

_PROVIDERS = (
    "ai21 airtable aleph algolia alibaba aliyun amadeus anthropic anyscale assemblyai aws azure baseten bedrock "
    "bing bitbucket brave cerebras chroma claude clearml cloudflare cloudinary cohere comet dagshub databricks "
    "datadog dd deepgram deepinfra deepl deepseek digitalocean discord elevenlabs exa fal figma fireworks flux "
    "gcp gemini gh github gitlab google gradio grafana groq heroku hf honeycomb huggingface hyperbolic jina kaggle "
    "langchain langfuse langsmith lightning linear mailchimp mailgun maps mapbox milvus mistral modal moonshot "
    "motherduck neptune newrelic ngc notion novita npm nvidia oai octoai okta openai openrouter pagerduty "
    "perplexity pinecone polygon posthog postmark pypi qdrant qwen rapidapi relic replicate resend roboflow runpod "
    "sambanova segment sendgrid sentry serpapi serper sentinel shodan slack snowflake sonar stability stripe "
    "supabase tavily telegram tinify together trello twilio twitter unsplash vercel vertex voyage wandb weather "
    "weaviate xai youtube zhipu"
)
KEY_OWNERS = vocabulary(
    _PROVIDERS + " access account admin aes api apikey apim app application auth authorization bearer client cmk "
    "cipher consumer crypt crypto decrypt decryption deploy deployment ecdsa ed25519 encrypt encryption fernet "
    "functions hmac ingest ingestion instrumentation integration jwt kek kms license licence master oauth pem "
    "private read recovery root rsa sas sdk secret secure security service shared sharing signature signing ssh "
    "ssl storage subscription symmetric tls webhook wrapping write admin bot session server user"
)
"""Words before a final `key` that make it a credential; `primary_key`, `sort_key`, `cache_key` have none of them."""

WEAK_KEY_OWNERS = vocabulary(
    "root tls ssl instrumentation app application client read service session server storage user write maps weather"
)
"""Of those, the ones that name a plain identifier as often: the value has to look like a credential too."""

KEY_ENDINGS = tuple(
    vocabulary(
        "apikey accesskey secretkey authkey privatekey signingkey encryptionkey masterkey accountkey licensekey "
        "sharedkey sshkey subscriptionkey"
    )
)

TOKEN_OWNERS = vocabulary(
    _PROVIDERS + " access account activation admin api app application artifactory atlas auth authentication "
    "authorization bearer bot buildkite cf ci circle circleci civitai client codecov conda confirmation consul "
    "csrf dashboard deploy device do docker fly gitea gl hub id impersonation influx influxdb invite "
    "invitation jfrog job jupyter jwt k8s kube kubernetes login magic mfa mlflow netlify ngrok nomad notebook "
    "oauth oauth2 pat personal private publish pull push railway refresh registration registry reset root run "
    "runner sa saml scim secret security service session share sso sts svc terraform tf trakt twine unsubscribe "
    "upload user vault verification web webhook xsrf zenodo"
)
"""Words before a final `token` that make it a credential."""

MODEL_TOKEN_OWNERS = vocabulary(
    "added additional action assistant audio avg bad begin beginning block blank boi bos box cancel cancellation "
    "chat class cls cont continuation cur current decoder document draft each empty encoder end eoa eod eoi eom "
    "eos eot extra fake fill fim first forced full generated head human ignore image img key infill init initial "
    "input instruction invalid lang language last latent left logit mask max mel memory middle min mod model new "
    "newline next noise non null num object one oov output pad padding page patch per pixel placeholder pos "
    "position predicted prefix prev previous prompt query register right sample segment self sentinel sep "
    "separator sot soi space special speech start steering stop str sub subword suffix system tail target task "
    "text think thinking timestamp tool total trigger turn unexpected unk unknown user_start video vision visual "
    "vocab word "
)
"""Words before a final `token` that make it a piece of text: a tokenizer's or a parser's token."""

CREDENTIAL_WORDS = vocabulary("credential credentials creds cred")
COOKIE_WORDS = vocabulary("cookie cookies cookie2 setcookie")
SESSION_WORDS = vocabulary("sessionid sessid phpsessid jsessionid")
PERSONAL_WORDS = vocabulary("cvv cvv2 cvc cvc2 ssn otp totp mnemonic passkey")
PERSONAL_PAIRS = vocabulary(
    "card_number credit_card debit_card seed_phrase recovery_phrase recovery_code recovery_codes backup_codes pin_code "
    "security_number"
)

AUTH_OWNERS = vocabulary("x http basic proxy redis smtp npm registry docker user digest login upstream")

TAIL = vocabulary(
    "0 1 2 3 4 5 6 7 8 9 v1 v2 v3 b64 base64 backup bytes confirm confirmation current data dev encoded env "
    "encrypted hash hashed json live local main new old pem plain plaintext prev previous primary prod production raw "
    "repeat sandbox sbx secondary stage staging str string test text val value"
)
"""Words that may follow the decisive word without changing what the key is: `API_KEY_2`, `password_old`."""

DESCRIBES = vocabulary(
    "age alg algorithm alias at arn attempts attempt audience bucket budget cache callback cells changed check checker "
    "class cls column config context cost count counts created description dict dim dims dir directory disabled emb "
    "embed embedder embedding embeddings embeddings enabled endpoint error errors exception exceptions exists expired "
    "expires expiration expiry failed factory fd feature features field fields file filename fingerprint flow format "
    "func function getter grant handler header heads help hint host id ids idx index indices info input invalid "
    "issuer kind label labels layer len length lengths level lifetime limit list loader logits logprob logprobs loss "
    "manager map mask masks max merging message method min missing mixing mode model name names needed norm num "
    "object offset offsets options order output owner pad padding params parser path pattern per policy pool port pos "
    "position positions prefix present prob probs prompt protocol provider rate ratio ref regex region required reset "
    "result role rotation rules schema scope scopes scheme score scores second seconds selector service set shape "
    "shift size sizes sock socket source span spans state status stdin store strategy strength stream suffix support "
    "table target time timeout tokenizer ttl type types updated uri url usage used user username valid validator var "
    "variable vault version weight weights"
)
"""Last words that make a key describe a secret, not hold it: `password_length`, `token_type`, `secret_name`."""

COUNTS = vocabulary(
    "has is no num n max min total avg mean count contains requires needs missing unexpected without show print get "
    "generate create list delete revoke rotate remove allow ask prompt check verify validate enable disable forgot"
)
"""First words that make a key a number, a question or an action: `num_tokens`, `has_password`, `get_token`."""

FILE_ENDINGS = tuple(
    vocabulary(
        ".py .pyc .pyi .js .ts .go .rs .java .cpp .cc .c .h .cu .rb .php .sh .html .css .json .yaml .yml .toml .txt "
        ".md .cfg .ini .log .ipynb .pt .pth .bin .safetensors .csv .parquet .pem .crt .pub .so .env .tf .sql .xml .npy"
    )
)
"""`password.py:42` is a place in a file, and no key."""

HARMLESS_FIELDS = DESCRIBES | vocabulary(
    "account auth_uri client_id client_email database db domain email hostname login project project_id provider "
    "region tenant token_uri universe_domain user username user_name"
)
"""Fields inside a container such as `credentials` that say whose it is, not what it is."""
