"""Tokens that give themselves away by their prefix, a row for each provider's kind.

A row says the marker's kind, the literal beginnings, and what follows one of them. Sources: the providers'
documentation of their token formats; lengths are minimums, so that a provider may make its tokens longer.
"""

from typing import NamedTuple


class Provider(NamedTuple):
    """One kind of token."""

    kind: str
    prefixes: str
    """Literal beginnings, separated by spaces."""
    rest: str
    """Regular expression of what follows the beginning."""


def _hex(low: int, high: int | None = None) -> str:
    """Exactly `low`, or `low` to `high`, hexadecimal digits and no letter after them."""
    return f"[0-9a-f]{{{low}{'' if high is None else f',{high}'}}}(?![A-Za-z0-9])"


_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MIXED = r"(?=[\w-]{0,80}[0-9])(?=[\w-]{0,80}[A-Za-z])"  # looks ahead only as far as a token is long

PROVIDERS: tuple[Provider, ...] = (
    # Code hosts and registries
    Provider("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{30,}"),
    Provider("github-token", "github_pat_", r"[A-Za-z0-9_]{30,}"),
    Provider("gitlab-token", "glpat- gldt- glrt- glrtr- glptt- glft- glimt- glwt-", r"[\w=.-]{16,}"),
    Provider("gitlab-token", "glcbt- glagent- glsoat- glffct- gloas-", r"[\w=.-]{16,}"),
    Provider("gitlab-token", "GR1348941", r"[\w-]{20,}"),
    Provider("npm-token", "npm_", r"[A-Za-z0-9]{30,}"),
    Provider("pypi-token", "pypi-", r"Ag[\w-]{40,}"),
    Provider("rubygems-token", "rubygems_", _hex(40, 64)),
    Provider("crates-token", "cio", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    Provider("nuget-token", "oy2", r"[a-z0-9]{43}(?![A-Za-z0-9])"),
    Provider("docker-token", "dckr_pat_ dckr_oat_", r"[\w-]{20,}"),
    Provider("artifactory-token", "AKCp", r"[A-Za-z0-9]{60,}"),
    Provider("artifactory-token", "cmVmd", r"[A-Za-z0-9]{50,}"),
    Provider("buildkite-token", "bkua_ bkct_ bkaj_", r"[A-Za-z0-9]{20,}"),
    Provider("circleci-token", "CCIPAT_ CCIPRJ_", r"[\w-]{30,}"),
    Provider("sonar-token", "sqp_ squ_ sqa_", _hex(40)),
    Provider("sourcegraph-token", "sgp_", r"(?:[0-9a-fA-F]{16}_|local_)?[0-9a-fA-F]{40}"),
    Provider("atlassian-token", "ATATT3 ATCTT3 ATSTT3 ATOAT3 ATBB", r"[\w=-]{24,}"),
    Provider("clojars-token", "CLOJARS_", r"[0-9a-f]{60}"),
    # Model hubs, model providers, experiment trackers
    Provider("huggingface-token", "hf_ api_org_", r"[A-Za-z0-9]{20,}(?![A-Za-z0-9_])"),
    Provider("anthropic-key", "sk-ant-", r"[\w-]{16,}"),
    Provider("openai-key", "sk-proj- sk-svcacct- sk-admin- sk-None-", r"[\w-]{16,}"),
    Provider("openrouter-key", "sk-or-", r"[\w-]{20,}"),
    Provider("langfuse-key", "sk-lf-", r"[\w-]{20,}"),
    Provider("openai-key", "sk-", _MIXED + r"(?=[\w-]{0,16}[A-Za-z0-9]{12})[\w-]{16,}"),
    Provider("openai-key", "sess-", r"[A-Za-z0-9]{40}(?![A-Za-z0-9])"),
    Provider("groq-key", "gsk_", r"[A-Za-z0-9]{30,}"),
    Provider("xai-key", "xai-", r"[A-Za-z0-9]{40,}"),
    Provider("perplexity-key", "pplx-", r"[A-Za-z0-9]{32,}"),
    Provider("replicate-token", "r8_", r"[A-Za-z0-9]{30,}"),
    Provider("pinecone-key", "pcsk_", r"[A-Za-z0-9_]{40,}"),
    Provider("together-key", "tgp_v1_", r"[\w-]{30,}"),
    Provider("fireworks-key", "fw_", r"[A-Za-z0-9]{22,}(?![A-Za-z0-9_])"),
    Provider("nvidia-key", "nvapi-", r"[\w-]{40,}"),
    Provider("langsmith-key", "lsv2_pt_ lsv2_sk_ ls__", r"[0-9a-f]{32}[\w]*"),
    Provider("tavily-key", "tvly-", r"(?:dev-|prod-)?[\w-]{20,}"),
    Provider("jina-key", "jina_", r"[0-9a-f]{32}[\w-]*"),
    Provider("voyage-key", "pa-", _MIXED + r"(?=[\w-]{0,40}[A-Z])[A-Za-z0-9]{12}[\w-]{28,}"),
    Provider("cerebras-key", "csk-", r"[a-z0-9]{40,}"),
    Provider("elevenlabs-key", "sk_", _hex(48)),
    Provider("wandb-key", "wandb_v1_", r"[\w-]{40,}"),
    Provider("neptune-token", "eyJhcGlfYWRkcmVzcyI6", r"[A-Za-z0-9+/_-]{20,}={0,2}"),
    Provider("kaggle-token", "KGAT_", r"[0-9a-f]{32}"),
    Provider("modal-token", "ak- as-", r"[A-Za-z0-9]{22}(?![\w-])"),
    Provider("runpod-key", "rpa_", r"[A-Z0-9]{30,}[a-z0-9]*"),
    Provider("anyscale-key", "esecret_", r"[a-z0-9]{20,}"),
    Provider("friendli-token", "flp_", r"[A-Za-z0-9]{30,}"),
    Provider("e2b-key", "e2b_", _hex(40)),
    Provider("firecrawl-key", "fc-", _hex(32)),
    Provider("apify-token", "apify_api_", r"[A-Za-z0-9]{30,}"),
    Provider("prefect-key", "pnu_ pnb_", r"[A-Za-z0-9]{30,}"),
    Provider("databricks-token", "dapi dose dkea", r"[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),
    # Clouds and hosting
    Provider("aws-access-key-id", "AKIA ASIA ABIA ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    Provider("aws-access-key-id", "A3T", r"[A-Z0-9][A-Z0-9]{16}(?![A-Za-z0-9])"),
    Provider("aws-bedrock-key", "ABSK", r"[A-Za-z0-9+/]{60,}={0,2}"),
    Provider("aws-bedrock-key", "bedrock-api-key-", r"[A-Za-z0-9+/]{20,}={0,2}"),
    Provider("aws-session-token", "FwoGZXIvYXdz IQoJb3JpZ2lu FQoGZXIvYXdz", r"[A-Za-z0-9+/%]{20,}={0,2}"),
    Provider("aws-mws-token", "amzn.mws.", _UUID),
    Provider("google-api-key", "AIza", r"[\w-]{35}(?![A-Za-z0-9])"),
    Provider("google-oauth-token", "ya29.", r"[\w.-]{20,}"),
    Provider("google-client-secret", "GOCSPX-", r"[\w-]{20,}"),
    Provider("google-hmac-key-id", "GOOG1E GOOG", r"[A-Z0-9]{20,}(?![a-z])"),
    Provider("alibaba-key-id", "LTAI", r"(?=[A-Za-z0-9]{0,24}[0-9])[A-Za-z0-9]{12,26}(?![A-Za-z0-9])"),
    Provider("tencent-key-id", "AKID", r"(?=[A-Za-z0-9]{0,36}[0-9])[A-Za-z0-9]{28,36}(?![A-Za-z0-9])"),
    Provider("yandex-key", "AQVN", r"[\w-]{30,}"),
    Provider("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", _hex(64)),
    Provider("cloudflare-token", "cfk_ cfut_ cfat_", r"[A-Za-z0-9_-]{40,}"),
    Provider("cloudflare-key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{100,}"),
    Provider("heroku-key", "HRKU-", r"[\w-]{30,}"),
    Provider("netlify-token", "nfp_ nfc_ nfo_", r"[A-Za-z0-9]{30,}"),
    Provider("vercel-token", "vcp_ vck_ vci_ vca_", r"[A-Za-z0-9]{24,}"),
    Provider("tailscale-key", "tskey-auth- tskey-api- tskey-client- tskey-webhook-", r"[\w-]{16,}"),
    Provider("fly-token", "fo1_", r"[\w-]{40,}"),
    Provider("fly-token", "fm1r_ fm1a_ fm2_", r"[A-Za-z0-9+/]{60,}={0,3}"),
    Provider("supabase-key", "sbp_ sb_secret_", r"[\w-]{20,}"),
    Provider("planetscale-token", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w=.-]{30,}"),
    Provider("neon-key", "napi_", r"[a-z0-9]{40,}"),
    Provider("deno-token", "ddp_ ddo_", r"[A-Za-z0-9]{30,}"),
    Provider("pulumi-token", "pul-", _hex(40)),
    Provider("doppler-token", "dp.pt. dp.ct. dp.sa. dp.scim. dp.audit.", r"[A-Za-z0-9]{30,}"),
    Provider("doppler-token", "dp.st.", r"(?:[\w-]{2,35}\.)?[A-Za-z0-9]{30,}"),
    Provider("vault-token", "hvs. hvb. hvr.", r"[\w-]{20,}"),
    Provider("openshift-token", "sha256~", r"[\w-]{43}(?![A-Za-z0-9])"),
    Provider("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{50,}"),
    Provider("1password-token", "ops_eyJ", r"[\w+/-]{60,}={0,3}"),
    Provider("1password-key", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    # Observability
    Provider("grafana-token", "glsa_ glc_", r"[\w+/-]{28,}={0,2}"),
    Provider("grafana-token", "eyJrIjoi", r"[A-Za-z0-9+/_-]{40,}={0,2}"),
    Provider("newrelic-key", "NRAK- NRII- NRJS- NRIQ- NRRA- NRAA- NRSP-", r"[\w-]{19,}"),
    Provider("sentry-token", "sntrys_ sntryu_ sntrya_ sntryi_", r"[\w+/=-]{40,}"),
    Provider("datadog-token", "ddpat_ ddapp_", r"[A-Za-z0-9]{20,}"),
    Provider("dynatrace-token", "dt0c01. dt0s01. dt0s16.", r"[A-Z0-9]{8,24}\.[A-Z0-9]{32,64}"),
    Provider("posthog-key", "phx_", r"[A-Za-z0-9]{40,}"),
    Provider("logfire-token", "pylf_v1_", r"(?:[a-z]{2,8}_)?[A-Za-z0-9]{30,}"),
    Provider("launchdarkly-key", "sdk- api- mob-", _UUID + r"(?![\w-])"),
    Provider("honeycomb-key", "hcaik_ hcbik_ hcxik_", r"[a-z0-9]{30,}"),
    # Messaging, mail, office
    Provider("slack-token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd-", r"(?=[\w%-]{0,24}[0-9])[\w%.-]{10,}"),
    Provider("slack-token", "xoxe- xoxe.xoxb- xoxe.xoxp-", r"(?=[\w%-]{0,24}[0-9])[\w%.-]{10,}"),
    Provider("slack-token", "xapp- xwfp-", r"\d-?[\w-]{20,}"),
    Provider("sendgrid-key", "SG.", r"[\w-]{16,}\.[\w-]{16,}"),
    Provider("twilio-key", "SK", _hex(32)),
    Provider("mailgun-key", "key- pubkey-", _hex(32)),
    Provider("brevo-key", "xkeysib- xsmtpsib-", r"[0-9a-f]{40,}(?:-\w+)?"),
    Provider("resend-key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}"),
    Provider("notion-token", "ntn_", r"[A-Za-z0-9]{40,}"),
    Provider("notion-token", "secret_", r"[A-Za-z0-9]{40,}(?![\w])"),
    Provider("linear-key", "lin_api_ lin_oauth_ lin_wh_", r"[A-Za-z0-9]{30,}"),
    Provider("figma-token", "figd_ figu_ figo_", r"[\w-]{36,}"),
    Provider("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    Provider("typeform-token", "tfp_", r"[\w.=-]{40,}"),
    Provider("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    Provider("discord-token", "mfa.", r"[\w-]{60,}"),
    # Payment and commerce
    Provider("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_", r"[A-Za-z0-9]{10,}"),
    Provider("stripe-webhook-secret", "whsec_", r"[A-Za-z0-9+/]{24,}={0,2}"),
    Provider("square-token", "sq0atp- sq0csp- sq0idp-", r"[\w-]{20,}"),
    Provider("square-token", "EAAA", r"(?!A)(?=[\w-]{0,40}[0-9])[\w-]{56,}"),
    Provider("facebook-token", "EAAC EAAB EAAD EAAG EAAM", r"[A-Za-z0-9]{60,}"),
    Provider("shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", r"[0-9a-fA-F]{32}"),
    Provider("paypal-token", "access_token$production$ access_token$sandbox$", r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    Provider("polar-token", "polar_oat_ polar_pat_", r"[A-Za-z0-9_-]{40,}"),
    Provider("easypost-key", "EZAK EZTK", r"[A-Za-z0-9]{54}"),
    Provider("plaid-token", "access-sandbox- access-production- access-development-", _UUID),
    Provider("shippo-token", "shippo_live_ shippo_test_", _hex(40)),
    Provider("duffel-token", "duffel_live_ duffel_test_", r"[\w=-]{40,}"),
    Provider("adobe-secret", "p8e- p8-", r"[A-Za-z0-9_-]{32,}"),
    Provider("frameio-token", "fio-u-", r"[\w=-]{60,}"),
    Provider("readme-key", "rdme_", r"[a-z0-9]{60,}"),
    Provider("contentful-token", "CFPAT-", r"[\w-]{40,}"),
)
