// SPDX-License-Identifier: Apache-2.0

package intake

// vendor is the form of one vendor's keys, as its documentation gives it.
type vendor struct {
	kind     string
	literals []string
	back     int // how far before the literal it may begin
	form     string
}

// vendors are the keys that can be told by their form alone.
func vendors() []vendor {
	v := func(kind, form string, literals ...string) vendor { return vendor{kind, literals, 0, form} }
	return []vendor{
		v("aws-key", `(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}`, "AKIA", "ASIA", "ABIA", "ACCA"),
		v("github-token", `gh[pousr]_[A-Za-z0-9]{36,255}`, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
		v("github-token", `github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}`, "github_pat_"),
		v("gitlab-token", `gl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent|oas)-[A-Za-z0-9_.-]{20,}`, "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glsoat-", "glft-", "glimt-", "glagent-", "gloas-"),
		v("slack-token", `xox[abeoprs](?:\.xox[bp])?-[0-9A-Za-z-]{20,}`, "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-"),
		v("slack-token", `xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+`, "xapp-"),
		v("slack-webhook", `hooks\.slack\.com/(?:services|workflows)/[A-Z]\w{8,}/\w{8,}/\w{20,}`, "hooks.slack.com/"),
		v("discord-webhook", `discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}`, "discord.com/api/webhooks/", "discordapp.com/api/webhooks/"),
		v("stripe-key", `[sr]k_(?:live|test|prod)_[0-9A-Za-z]{20,}`, "sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"),
		v("stripe-key", `whsec_[A-Za-z0-9+/]{32,}`, "whsec_"),
		v("google-key", `AIza[0-9A-Za-z_-]{35}`, "AIza"),
		v("google-token", `ya29\.[0-9A-Za-z_-]{30,}`, "ya29."),
		v("google-secret", `GOCSPX-[0-9A-Za-z_-]{28}`, "GOCSPX-"),
		v("openai-key", `sk-(?:(?:proj|svcacct|admin|None)-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}`, "sk-"),
		v("anthropic-key", `sk-ant-[a-z]{3,6}\d\d-[A-Za-z0-9_-]{60,}`, "sk-ant-"),
		v("openrouter-key", `sk-or-v1-[0-9a-f]{64}`, "sk-or-v1-"),
		v("huggingface-token", `(?:hf|api_org)_[A-Za-z]{34}`, "hf_", "api_org_"),
		v("groq-key", `gsk_[A-Za-z0-9]{52}`, "gsk_"),
		v("xai-key", `xai-[A-Za-z0-9]{80}`, "xai-"),
		v("perplexity-key", `pplx-[A-Za-z0-9]{48}`, "pplx-"),
		v("replicate-token", `r8_[A-Za-z0-9]{37}`, "r8_"),
		v("npm-token", `npm_[A-Za-z0-9]{36}`, "npm_"),
		v("pypi-token", `pypi-[A-Za-z0-9_-]{80,}`, "pypi-"),
		v("rubygems-key", `rubygems_[0-9a-f]{48}`, "rubygems_"),
		v("crates-token", `cio[A-Za-z0-9]{32}`, "cio"),
		v("clojars-token", `CLOJARS_[a-z0-9]{60}`, "CLOJARS_"),
		v("docker-token", `dckr_[op]at_[A-Za-z0-9_-]{27,}`, "dckr_pat_", "dckr_oat_"),
		v("digitalocean-token", `do[opr]_v1_[0-9a-f]{64}`, "doo_v1_", "dop_v1_", "dor_v1_"),
		v("sendgrid-key", `SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}`, "SG."),
		v("sendinblue-key", `xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}`, "xkeysib-"),
		v("mailgun-key", `key-[0-9a-f]{32}`, "key-"),
		{"mailchimp-key", []string{"-us"}, 32, `[0-9a-f]{32}-us\d{1,2}`},
		v("twilio-key", `SK[0-9a-f]{32}`, "SK"),
		v("square-token", `sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}`, "sq0"),
		v("shopify-token", `shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}`, "shpat_", "shpca_", "shppa_", "shpss_"),
		{"telegram-token", []string{":AA"}, 10, `\d{8,10}:AA[A-Za-z0-9_-]{33}`},
		v("facebook-token", `EAA[A-Za-z0-9]{90,}`, "EAA"),
		v("azure-key", `(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{43,86}=`, "AccountKey=", "SharedAccessKey="),
		{"azure-secret", []string{"Q~"}, 4, `[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}`},
		v("azure-pat", `[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}`, "AZDO"),
		v("atlassian-token", `AT(?:ATT|CTT|BB)3?[A-Za-z0-9_=-]{60,}`, "ATATT3", "ATCTT3", "ATBB"),
		v("linear-key", `lin_(?:api|oauth)_[A-Za-z0-9]{32,64}`, "lin_api_", "lin_oauth_"),
		v("notion-token", `ntn_[A-Za-z0-9]{40,}`, "ntn_"),
		v("databricks-token", `dapi[0-9a-f]{32}(?:-\d)?`, "dapi"),
		v("grafana-token", `gl(?:c|sa)_[A-Za-z0-9+/_]{32,}={0,2}`, "glc_", "glsa_"),
		v("newrelic-key", `NR(?:AK|AA|II|IQ|JS|RA)-[A-Za-z0-9_-]{19,32}`, "NRAK-", "NRII-", "NRIQ-", "NRRA-"),
		v("heroku-key", `HRKU-[A-Za-z0-9_-]{36,}`, "HRKU-"),
		v("vault-token", `hv[bsr]\.[A-Za-z0-9_-]{24,}`, "hvs.", "hvb.", "hvr."),
		{"terraform-token", []string{".atlasv1."}, 14, `[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}`},
		v("planetscale-token", `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,64}`, "pscale_"),
		v("flyio-token", `fo1_[A-Za-z0-9_-]{43}`, "fo1_"),
		v("supabase-token", `sb(?:p|_secret)_[A-Za-z0-9_]{30,}`, "sbp_", "sb_secret_"),
		v("postman-key", `PMAK-[0-9a-f]{24}-[0-9a-f]{34}`, "PMAK-"),
		v("figma-token", `fig[dou]_[A-Za-z0-9_-]{40,}`, "figd_", "figo_", "figu_"),
		v("sentry-token", `sntry[us]_[A-Za-z0-9+/=_-]{60,}`, "sntrys_", "sntryu_"),
		v("dropbox-token", `sl\.[A-Za-z0-9_-]{120,}`, "sl."),
		v("alibaba-key", `LTAI[A-Za-z0-9]{16,24}`, "LTAI"),
		v("tencent-key", `AKID[A-Za-z0-9]{32}`, "AKID"),
		v("age-key", `AGE-SECRET-KEY-1[A-Z0-9]{58}`, "AGE-SECRET-KEY-1"),
		v("doppler-token", `dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}`, "dp."),
		v("artifactory-key", `AKCp[A-Za-z0-9]{69,73}`, "AKCp"),
		v("pulumi-token", `pul-[0-9a-f]{40}`, "pul-"),
		v("airtable-token", `pat[A-Za-z0-9]{14}\.[0-9a-f]{64}`, "pat"),
		v("hubspot-token", `pat-(?:na|eu)\d-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`, "pat-na", "pat-eu"),
		v("adafruit-key", `aio_[A-Za-z0-9]{28}`, "aio_"),
		v("contentful-token", `CFPAT-[A-Za-z0-9_-]{43}`, "CFPAT-"),
		v("dynatrace-token", `dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}`, "dt0"),
		v("onepassword-token", `ops_eyJ[A-Za-z0-9+/=]{200,}`, "ops_eyJ"),
		v("tailscale-key", `tskey-(?:api|auth|client|scim|webhook)-[A-Za-z0-9-]{20,}`, "tskey-"),
		v("circleci-token", `CCI(?:PAT|PRJ)_[A-Za-z0-9]{16,}_[0-9a-f]{40}`, "CCIPAT_", "CCIPRJ_"),
		v("sonar-token", `sq[apu]_[0-9a-f]{40}`, "sqa_", "sqp_", "squ_"),
		v("duffel-token", `duffel_(?:test|live)_[A-Za-z0-9_=-]{43}`, "duffel_"),
		v("easypost-key", `EZ[AT]K[A-Za-z0-9]{54}`, "EZAK", "EZTK"),
		v("typeform-token", `tfp_[A-Za-z0-9_.=-]{59}`, "tfp_"),
		v("readme-key", `rdme_[a-z0-9]{70}`, "rdme_"),
	}
}
