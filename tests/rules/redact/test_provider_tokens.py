"""Tokens by their own shape. Each is put together at run time, so that secret scanners find none in this file."""

import pytest

from otel_mldebug.rules.redact import Redactor


def mixed(length):
    return ("aB3dE5fG7hJ9kLmN2pQrS4tUvW6xYz8" * 20)[:length]


def upper(length):
    return ("AB3DE5FG7HJ9KLMN2PQRS4TUVW6XYZ8" * 20)[:length]


def hexes(length):
    return ("0123456789abcdef" * 20)[:length]


TOKENS = [
    ("github-token", "ghp_" + mixed(36)),
    ("github-token", "gho_" + mixed(36)),
    ("github-token", "ghu_" + mixed(36)),
    ("github-token", "ghs_" + mixed(36)),
    ("github-token", "ghr_" + mixed(76)),
    ("github-token", "github_pat_" + mixed(22) + "_" + mixed(59)),
    ("gitlab-token", "glpat-" + mixed(20)),
    ("gitlab-token", "glpat-" + mixed(27) + ".01." + mixed(9)),
    ("gitlab-token", "glrt-" + mixed(20)),
    ("gitlab-token", "GR1348941" + mixed(20)),
    ("huggingface-token", "hf_" + mixed(34)),
    ("huggingface-token", "api_org_" + mixed(34)),
    ("openai-key", "sk-" + mixed(48)),
    ("openai-key", "sk-" + hexes(32)),
    ("openai-key", "sk-proj-" + mixed(40) + "_" + mixed(20) + "-" + mixed(30)),
    ("openai-key", "sk-svcacct-" + mixed(60)),
    ("anthropic-key", "sk-ant-api03-" + mixed(93) + "AA"),
    ("openrouter-key", "sk-or-v1-" + hexes(64)),
    ("groq-key", "gsk_" + mixed(52)),
    ("xai-key", "xai-" + mixed(80)),
    ("perplexity-key", "pplx-" + mixed(48)),
    ("replicate-token", "r8_" + mixed(37)),
    ("pinecone-key", "pcsk_" + mixed(6) + "_" + mixed(60)),
    ("together-key", "tgp_v1_" + mixed(43)),
    ("nvidia-key", "nvapi-" + mixed(64)),
    ("langsmith-key", "lsv2_pt_" + hexes(32) + "_" + hexes(10)),
    ("tavily-key", "tvly-" + mixed(32)),
    ("wandb-key", "wandb_v1_" + mixed(77)),
    ("neptune-token", "eyJhcGlfYWRkcmVzcyI6" + mixed(80) + "=="),
    ("e2b-key", "e2b_" + hexes(40)),
    ("firecrawl-key", "fc-" + hexes(32)),
    ("apify-token", "apify_api_" + mixed(36)),
    ("tailscale-key", "tskey-auth-" + mixed(11) + "CNTRL-" + mixed(32)),
    ("launchdarkly-key", "sdk-" + "12345678-1234-4234-8234-123456789abc"),
    ("polar-token", "polar_oat_" + mixed(43)),
    ("databricks-token", "dapi" + hexes(32)),
    ("databricks-token", "dapi" + hexes(32) + "-2"),
    ("aws-access-key-id", "AKIA" + upper(16)),
    ("aws-access-key-id", "ASIA" + upper(16)),
    ("aws-session-token", "IQoJb3JpZ2lu" + mixed(200) + "=="),
    ("google-api-key", "AIza" + mixed(35)),
    ("google-oauth-token", "ya29." + mixed(120)),
    ("google-client-secret", "GOCSPX-" + mixed(28)),
    ("google-refresh-token", "1//0" + mixed(60)),
    ("azure-client-secret", "aB3" + "8Q~" + mixed(34)),
    ("azure-devops-token", mixed(76) + "AZDO" + mixed(4)),
    ("digitalocean-token", "dop_v1_" + hexes(64)),
    ("alibaba-key-id", "LTAI" + mixed(20)),
    ("netlify-token", "nfp_" + mixed(36)),
    ("supabase-key", "sbp_" + hexes(40)),
    ("cloudflare-token", "cfut_" + mixed(48)),
    ("terraform-token", mixed(14) + ".atlasv1." + mixed(67)),
    ("vault-token", "hvs." + mixed(95)),
    ("doppler-token", "dp.pt." + mixed(43)),
    ("age-key", "AGE-SECRET-KEY-1" + upper(58)),
    ("pulumi-token", "pul-" + hexes(40)),
    ("fly-token", "fm2_" + mixed(100)),
    ("npm-token", "npm_" + mixed(36)),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc" + mixed(150)),
    ("docker-token", "dckr_pat_" + mixed(27)),
    ("rubygems-token", "rubygems_" + hexes(48)),
    ("artifactory-token", "AKCp" + mixed(69)),
    ("atlassian-token", "ATATT3xFfGF0" + mixed(180)),
    ("sonar-token", "squ_" + hexes(40)),
    ("grafana-token", "glsa_" + mixed(32) + "_" + hexes(8)),
    ("grafana-token", "glc_" + mixed(60) + "=="),
    ("newrelic-key", "NRAK-" + upper(27)),
    ("newrelic-key", hexes(36) + "NRAL"),
    ("sentry-token", "sntrys_" + mixed(80)),
    ("slack-token", "xoxb-" + "123456789012-1234567890123-" + mixed(24)),
    ("slack-token", "xoxp-" + "1234-5678-abcdef"),
    ("slack-token", "xapp-" + "1-A012345-678-" + hexes(40)),
    ("discord-token", "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + mixed(27)),
    ("telegram-token", "123456789" + ":AA" + mixed(33)),
    ("sendgrid-key", "SG." + mixed(22) + "." + mixed(43)),
    ("twilio-key", "SK" + hexes(32)),
    ("mailgun-key", "key-" + hexes(32)),
    ("mailgun-key", hexes(32) + "-" + hexes(8) + "-" + hexes(8)),
    ("mailchimp-key", hexes(32) + "-us12"),
    ("stripe-key", "sk_live_" + mixed(24)),
    ("stripe-key", "rk_test_" + mixed(24)),
    ("stripe-webhook-secret", "whsec_" + mixed(32)),
    ("square-token", "sq0atp-" + mixed(22)),
    ("shopify-token", "shpat_" + hexes(32)),
    ("notion-token", "ntn_" + mixed(46)),
    ("linear-key", "lin_api_" + mixed(40)),
    ("figma-token", "figd_" + mixed(40)),
    ("airtable-token", "pat" + mixed(14) + "." + hexes(64)),
    ("postman-key", "PMAK-" + hexes(24) + "-" + hexes(34)),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + mixed(43)),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0"),
]

WITH_SLASHES = {"fly-token", "grafana-token", "sentry-token", "stripe-webhook-secret", "jwt"}
SURROUNDINGS = ["{}", "key {} end", "x={}", '"{}"', "({}),", "{}.", "a:{};b", "/{}/", "\n{}\n", "é{}é"]


@pytest.mark.parametrize(("kind", "token"), TOKENS, ids=[f"{kind}-{i}" for i, (kind, _) in enumerate(TOKENS)])
def test_a_token_goes_and_what_surrounds_it_stays(kind, token):
    redactor = Redactor()
    for around in SURROUNDINGS:
        if around != "/{}/" or kind not in WITH_SLASHES:
            assert redactor.text(around.format(token)) == around.format(f"[redacted:{kind}]")


LOOK_ALIKES = [
    "sk-learn",
    "sk-learn-contrib-2024-project",
    "sk-abc",
    "task-abcdefghijklmnopqrstuv12",
    "mask-rcnn-resnet50-fpn-coco-2017",
    "hf_hub_download",
    "hf_transformers_model_12_with_more_words",
    "hf_aaaaaaaaaa",
    "npm_config_registry=https://registry.npmjs.org/",
    "pypi-server",
    "xoxo",
    "SG.foo.bar",
    "AKIASHORT",
    "AKIA" + "abcdefghijklmnop",
    "r8_model",
    "gsk_test",
    "key-value-store",
    "key-" + "z" * 32,
    "re_ranker_cross_encoder_miniLM_L6",
    "pa-transformers-for-long-document-classification",
    "local-" + hexes(40),
    "fc-relu-dropout-classifier-for-long-names",
    "api-12345678-1234",
    "job-12345678-1234-4234-8234-123456789abc",
    "glpat-",
    "eyJ",
    "eyJhbGciOi",
    "ya29.x",
    "secret_santa",
    "s.split('x')",
    "v1.0-rc1",
    "EAAAA" + "A" * 70,
    "SKU1234567890",
    "A" * 100,
    hexes(32),
    hexes(40),
    hexes(64),
    "sha256:" + hexes(64),
    "sha512-" + mixed(86) + "==",
    "ghcr.io/org/image:1.2@sha256:" + hexes(64),
    "123e4567-e89b-12d3-a456-426614174000",
    "trace_id=" + hexes(32) + " span_id=" + hexes(16),
    "traceparent: 00-" + hexes(32) + "-" + hexes(16) + "-01",
    'etag: "' + hexes(32) + '"',
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "sentence-transformers/all-MiniLM-L6-v2",
    "meta-llama/Llama-3.1-8B-Instruct",
    "torch.cuda.amp.GradScaler",
    "model-00001-of-00002.safetensors",
    "wandb/run-20240101_123456-abc123de",
    "i-0abcd1234efgh5678",
    "0x7f3a2b1c4d5e",
    "7f 45 4c 46 02 01 01 00 00 00 00 00",
    "ssh-rsa AAAAB3NzaC1yc2E" + mixed(60),
]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_token_stays(text):
    assert Redactor().text(text) == text


def test_the_secret_half_of_an_aws_key_goes_with_its_id():
    secret = mixed(20) + "/" + mixed(18) + "+"
    text = f"AKIA{upper(16)},{secret} us-east-1"

    assert Redactor().text(text) == "[redacted:aws-access-key-id],[redacted:aws-secret-key] us-east-1"


def test_a_key_of_kaggle_is_known_by_what_stands_before_it():
    text = '{"username": "jane", "key": "' + hexes(32) + '"}'
    assert Redactor().text(text) == '{"username": "jane", "key": "[redacted:kaggle-key]"}'
    assert Redactor().text('{"key": "' + hexes(32) + '"}') == '{"key": "' + hexes(32) + '"}'
