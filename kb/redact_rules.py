r"""What is redacted: ordered rules, each with a name, a cheap hint, a pattern and the reason for it.

A pattern is RE2 syntax over the bytes of UTF-8 text. Every named group is replaced; the group's name without its
digits is the kind shown in the placeholder. A match in which no group took part is benign text, put first in an
alternation so that the leftmost match consumes it (RE2 has no look-behind). Where `keep` matches a whole value, the
value stays. Values are printable ASCII, so a rule can never swallow a line separator.

`hint` is a looser pattern without groups. One union of all hints finds the few lines worth the rules, so it must match
somewhere in every line in which the pattern does.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """One kind of secret. `keep` matches whole values that are no secret."""

    name: str
    hint: str
    pattern: str
    why: str
    keep: str = ""


_PARTS = {  # written {NAME} within the patterns below
    "NO_VALUE": (  # a placeholder, a variable, a type, a word of an error message
        r"none|null|nil|true|false|yes|no|empty|unset|required|optional.*|undefined|n/a|str|string|int|bool|bytes|"
        r"secretstr|union\W.*|any|missing|invalid|incorrect|wrong|expected|not|is|was|must|should|redacted|"
        r"hidden|default|"
        r"auto|self\..*|args\..*|config\..*|os\.(?:environ|getenv).*|getenv.*|environ.*|your.*|my[_-]?(?:key|"
        r"token|api).*|"
        r".{0,8}x{3,}.*|.*\*{3,}.*|.*\.{3,}.*|[<$%{\[(|].*|-+|"
        r"(?:[a-z]+[-_]){0,3}(?:tokens?|(?:api)?keys?|secrets?|passwords?|passwd|credentials?)[,;]?"
    ),
    "GENERIC_USER": (
        r"root|users?|username|ubuntu|debian|centos|fedora|ec2-user|azureuser|admin|administrator|public|default|"
        r"all users|shared?|guest|runner|jovyan|vscode|node|coder|app|appuser|app-user|mambauser|conda|builder|"
        r"nvidia|work|"
        r"workspace|data|disk\d*|models?|projects?|vllm|ollama|sglang|model-server|linuxbrew|(?:ana|"
        r"mini)conda3?|miniforge3?|"
        r"me|you|name|your.*|my.*|x{2,}|\*+|\.+|git|hg|oracle|opc|postgres|redis|mysql|nobody|slurm|ray|testuser"
    ),
    "GENERIC_HOST": (
        r"localhost(?:\.localdomain)?|localhost[46]?|127\.\d+\.\d+\.\d+|0\.0\.0\.0|::1?|ip6-localhost|none|null|host|self\..*|args\..*|"
        r"hostname|unknown|[<$%{\[(].*|host\.docker\.internal|gateway\.docker\.internal|kubernetes\.default.*|"
        r"(?:[\w-]+\.)*(?:github\.com|gitlab\.com|huggingface\.co|hf\.co|hf-mirror\.com|modelscope\.cn|"
        r"pypi\.org|nvcr\.io|"
        r"docker\.io|gitee\.com|bitbucket\.org)|\d+"
    ),
    "STRONG": (  # names whose value is a secret whatever it looks like
        r"(?:api[_-]?key|app[_-]?key|secret|passw(?:or)?d|passwd|passphrase|pwd|credential|"
        r"(?:access|account|auth|private|encryption|signing|master|subscription|license|license_|deploy|ssh)[_-]?key|"
        r"(?:access|auth|refresh|bearer|session|security|hf|hub|hugging_?face_?hub|github|gitlab|gh|slack|bot|"
        r"api|id|login|"
        r"modelscope|swanlab|wandb|jupyter|ms|openai|dashscope|ngrok_?auth|user|service|deploy|personal)[_-]?token)"
    ),
    "NO_SECRET_NAME": r"(?:_?(?:file|path|dir|env|name|id_env|type|len|length|length_\w+|policy|field|required|count))",
    "Q": r"\\?[\"']?",  # an optional quote, escaped in JSON within JSON
    "OCTET": r"(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    "HOST": r"[A-Za-z0-9](?:[\w.-]*\w)?",
}

_RULES: tuple[Rule, ...] = (
    # --- keys and tokens that their prefix gives away ---
    Rule(
        "sk-key",
        r"\bsk-[A-Za-z0-9]",
        r"\b(?P<key>sk-[A-Za-z0-9_-]{18,})",
        "OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DashScope, DeepSeek, Moonshot, vLLM gateways",
        r"(?-i:sk-[a-z]+(?:-[a-z]+)+|sk-(?:proj-)?[xX*]+)",
    ),
    Rule(
        "huggingface-token",
        r"\b(?:hf|api_org)_[A-Za-z0-9]",
        r"\b(?P<key>(?:hf|api_org)_[A-Za-z0-9]{20,})\b",
        "Hugging Face user and organization tokens",
        r"hf_[xX]+",
    ),
    Rule(
        "github-token",
        r"\bgh[opusr]_|github_pat_",
        r"\b(?P<key>gh[opusr]_[A-Za-z0-9]{20,}|github_pat_\w{22,})",
        "GitHub classic, app and fine-grained tokens",
        r"\w*?[xX]{8,}",
    ),
    Rule(
        "gitlab-token",
        r"\bgl[a-z]+-[A-Za-z0-9]",
        r"\b(?P<key>gl(?:pat|ptt|dt|rt|cbt|ft|agent|soat|imt)-[\w.-]{18,})",
        "GitLab tokens",
    ),
    Rule(
        "aws-key-id",
        r"\bA[A-Z]{3}[A-Z0-9]{8}",
        r"\b(?P<key>(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16})\b",
        "AWS access key ids; the secret half is found by its name",
    ),
    Rule(
        "google-key",
        r"AIza|ya29\.|GOCSPX-|\b1//0",
        r"\b(?P<key>AIza[\w-]{30,}|ya29\.[\w.-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{20,})",
        "Google API and OAuth keys",
    ),
    Rule(
        "azure-secret",
        r"\dQ~|JQQJ99",
        r"\b(?P<key>[\w~.-]{3}\dQ~[\w~.-]{30,}|[A-Za-z0-9]{20,}JQQJ99[A-Za-z0-9]{10,})",
        "Azure client secrets and Azure AI keys; storage keys are found by their name",
    ),
    Rule(
        "slack-token",
        r"xox[a-z][.-]|\bxapp-",
        r"\b(?P<key>(?:xoxe\.)?xox[a-z]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})",
        "Slack bot, user, app and refresh tokens",
    ),
    Rule(
        "chat-webhook",
        r"hooks\.slack\.com/|/webhooks/|/bot/v2/hook/|\d:AA",
        r"(?:hooks\.slack\.com/\w+|/api/webhooks|/bot/v2/hook)/(?P<key>[\w/-]{16,})|"
        r"(?P<key2>\d{6,12}:AA[\w-]{30,})",
        "whoever has a Slack, Discord or Feishu webhook address, or a Telegram bot's token, can post",
    ),
    Rule(
        "cloud-key-id",
        r"\b(?:LTAI|AKID|AKLT|ALTAK)",
        r"\b(?P<key>(?:LTAI|AKID|AKLT|(?:bce-v3/)?ALTAK-?)[A-Za-z0-9/_-]{12,})",
        "Alibaba, Tencent, Volcengine and Baidu cloud key ids",
    ),
    Rule(
        "modelscope-token",
        r"\bms-[0-9a-f]{4}",
        r"\b(?P<key>ms-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b",
        "ModelScope access tokens",
    ),
    Rule(
        "zhipu-key",
        r"[0-9a-f]{16}\.[A-Za-z0-9]{8}",
        r"\b(?P<key>[0-9a-f]{32}\.[A-Za-z0-9]{16})\b",
        "Zhipu (BigModel) keys",
    ),
    Rule(
        "prefixed-key",
        r"\b(?:gsk_|xai-|nvapi-|pplx-|r8_|fw_|tgp_v1_|tvly-|jina_|npm_|dckr_|dop_v1_|SG\.|lsv2_|pcsk_|"
        r"[rs]k_(?:live|test)_|"
        r"hvs\.|glsa_|pypi-Ag|wandb_v1_|shp[a-z]{2}_|ntn_|secret_|PMAK-|dapi|ATATT|lin_api_|phc_|co_|e2b_|sntrys_)",
        r"\b(?P<key>(?:gsk_|xai-|nvapi-|pplx-|r8_|fw_|tgp_v1_|tvly-|jina_|npm_|dckr_pat_|dop_v1_|SG\.|"
        r"lsv2_[ps][tk]_|pcsk_|"
        r"[rs]k_(?:live|test)_|hvs\.|glsa_|pypi-Ag|wandb_v1_|shp[a-z]{2}_|ntn_|PMAK-|dapi|ATATT|lin_api_|e2b_|sntrys_)"
        r"[\w.=+/-]{20,})",
        "Groq, xAI, NVIDIA, Perplexity, Replicate, Fireworks, Together, npm, Docker, Stripe, Vault, PyPI and the like",
        r"(?-i:[a-z_.=+/-]+|jina_[a-z]+_.*)",
    ),
    Rule("jwt", r"\beyJ[\w-]{6}", r"\b(?P<token>eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*)", "JSON web tokens"),
    # --- secrets that their place gives away ---
    Rule(
        "authorization",
        r"(?i:authorization)",
        r"(?i)authorization{Q}[ \t]*[:=][ \t]*{Q}(?:(?:basic|bearer|token|digest|apikey|"
        r"key)[ \t]+)?(?P<token>[!#-&(-+\--~]{6,})",
        "Authorization headers, in curl commands and request dumps",
        r"{NO_VALUE}|basic|bearer|aws4-.*",
    ),
    Rule(
        "bearer",
        r"(?i:\bbearer[ \t])",
        r"(?i)\bbearer[ \t]+(?P<token>[\w.~+/=-]{12,})",
        "Bearer tokens outside a header",
        r"(?-i:[A-Za-z]?[a-z]*(?:[-_][a-z]+)*)",
    ),
    Rule(
        "cookie",
        r"(?i:cookie{Q}[ \t]*:)",
        r"(?i)\bcookie{Q}[ \t]*:[ \t]*{Q}(?P<token>[^\s\"'][ !#-&(-~]*=[!#-&(-~][ !#-&(-~]*)",
        "session cookies",
    ),
    Rule(
        "url-password",
        r"://[^\s/?#\"'<>@]*@",
        r"://(?P<password>[!$%&(-.0-;=A-~][!$%&(-.0-;=@-~]*)@",
        "user and password within a URL",
        r"git|hg|svn|[$<{*].*|user(?:name)?:(?:pass(?:word)?|pwd|\*+)|.*:(?:[$<{].*|\*+)",
    ),
    Rule(
        "url-parameter",
        r"[?&;](?i:[\w.-]*(?:token|key|secret|sig|signature|passw(?:or)?d|credential|policy|auth|keyid))=",
        r"[?&;](?i:[\w.-]*(?:token|key|secret|sig|signature|passw(?:or)?d|credential|policy|auth|"
        r"keyid))=(?P<token>[!$%*-:=@-~]{6,})",
        "signed and keyed URLs: S3, Azure SAS, Jupyter, chat robots",
        "{NO_VALUE}",
    ),
    Rule(
        "netrc",
        r"\blogin[ \t]+\S+[ \t]+password[ \t]",
        r"\blogin[ \t]+(?P<user>[!-~]+)[ \t]+password[ \t]+(?P<password>[!-~]+)",
        ".netrc, where wandb keeps its key",
        "{GENERIC_USER}",
    ),
    Rule(
        "wandb-key",
        r"(?i:wandb|weights)",
        r"(?i)(?:wandb|weights)[^\n]{0,80}?\b(?P<key>[0-9a-f]{40})\b",
        "a bare W&B key is 40 hex digits like a commit, so only where wandb is named before it",
    ),
    Rule(
        "environment-line",
        r"(?i:{STRONG}[\w]*=)",
        r"(?m)(?:^|[\s,;'\"])(?:export[ \t]+|set[ \t]+|ENV[ \t]+|-e[ \t]+|"
        r"--env[= ])?[A-Z][A-Z0-9_]*(?i:{STRONG})[A-Z0-9_]*={Q}(?P<key>[!#-&(-~]+)",
        "NAME=value of env files and docker commands: the whole word, whatever punctuation it has",
        "{NO_VALUE}",
    ),
    Rule(
        "environment-key",
        r"\b[A-Z][A-Z0-9_]*_(?:KEY|PAT|PASS|PW|CRED|CREDENTIALS)=",
        r"\b[A-Z][A-Z0-9_]*_(?:KEY|PAT|PASS|PW|CRED|CREDENTIALS)={Q}"
        r"(?P<key>[\w+/-]*\d[\w+/-]*[A-Za-z][\w+/-]{6,}=*|[\w+/-]*[A-Za-z][\w+/-]*\d[\w+/-]{6,}=*)",
        "other NAME_KEY=value where the value looks random",
        r"/.*|.{0,11}",
    ),
    Rule(
        "assignment",
        r"(?i:{STRONG}[\w-]*(?:\.key)?{Q}\]?[ \t]*(?:[:=]|=>)+[ \t]*{Q}[!-~])",
        r"(?i){STRONG}{NO_SECRET_NAME}\b|{STRONG}[\w-]*(?:\.key)?{Q}\]?[ \t]*(?:"
        r"(?:[:=]+|=>)[ \t]*(?:\\?\"(?P<key>[!#-\[\]-~][ !#-\[\]-~]*)\\?\"|"
        r"\\?'(?P<key2>[!-&(-\[\]-~][ !-&(-\[\]-~]*)\\?')|"
        r"=[ \t]*(?P<key3>[!#-%*+\--:=?-Z^_a-z|~][!#-%(*+\--:=?-Z^_a-z|~]*)|"
        r":[ \t]*(?P<key4>[!#-&*+\--:=?-Z^_a-z|~]*[\d!#%&*+=@^~][!#-&(*+\--:=?-Z^_a-z|~]*))",
        'api_key=…, "password": "…", client_secret: … in env, YAML, JSON, Python and error text',
        r"{NO_VALUE}|[a-z_]+(?:\.[a-z_]+)+|[a-z_][a-z_.]*\(.*|[a-z_]*_(?:token|key|secret|password|passwd|credential)s?(?:_[a-z_]+)?",
    ),
    Rule(
        "yaml-line",
        r"(?i:{STRONG}[\w-]*(?:\.key)?{Q}[ \t]*:[ \t]*[!-~])",
        r"(?im)^[ \t-]*[\"']?[\w.-]*{STRONG}[\"']?:[ \t]+(?P<key>[!#-&(-;=-~][!-~]{3,})[ \t]*$",
        "password: word, alone on its line, is YAML rather than a sentence",
        "{NO_VALUE}",
    ),
    Rule(
        "option",
        r"(?:--|configure set )[\w-]*(?i:{STRONG})[ \t]",
        r"(?:--|configure set )[\w-]*(?i:{STRONG})[ \t]+{Q}(?P<key>[!#-&(-~]+)",
        "--api-key VALUE on a command line",
        r"{NO_VALUE}|--.*",
    ),
    Rule(
        "password-option",
        r"sshpass|\bcurl\b|\bmysql|\blogin\b[^\n]*[ \t]-p[ \t]|\bossutil|sudo[ \t]+-S",
        r"\bsshpass[ \t]+-p[ \t]*{Q}(?P<password>[!#-&(-~]+)|"
        r"\bcurl\b[^\n]*?[ \t](?:-u|--user)[ \t]+{Q}(?P<password2>[!#-&(-~]+:[!#-&(-~]+)|"
        r"\bmysql\w*\b[^\n]*?[ \t]-p(?P<password3>[!#-&(-~]+)|"
        r"\blogin\b[^\n]*?[ \t]-p[ \t]+{Q}(?P<password4>[!#-&(-~]+)|"
        r"\bossutil\w*\b[^\n]*?[ \t]-k[ \t]+(?P<password5>[!-~]+)|"
        r"\becho[ \t]+{Q}(?P<password6>[!#-&(-~]+){Q}[ \t]*\|[ \t]*sudo[ \t]+-S",
        "passwords given as short options",
        r"[<$%{].*",
    ),
    Rule(
        "password-zh",
        r"密码|密钥|口令|令牌",
        r"(?:密码|密钥|口令|令牌)[ \t]*(?:是|为|:|：|=)+[ \t]*[\"'“`]?(?P<password>[!#-&(-_a-~]{4,})|"
        r"(?:密码|口令)[ \t]+(?P<password2>[!#-&(-_a-~]*[A-Za-z][!#-&(-_a-~]*[\d@#!][!#-&(-_a-~]*)",
        "a password given in Chinese prose",
        "{NO_VALUE}",
    ),
    Rule(
        "named-token",
        r"(?i:(?:token|key\d?|pat|sig|signature|auth){Q}[ \t]*[:=]+[ \t]*{Q}[\w+/=.~-]{8})",
        r"(?i)\b[\w.-]*(?:token|signature|auth|"
        r"pat){Q}[ \t]*[:=]+[ \t]*{Q}(?P<token>[\w+/~-]*\d[\w+/~-]*[a-z][\w+/~-]{6,}=*|"
        r"[\w+/~-]*[a-z][\w+/~-]*\d[\w+/~-]{6,}=*)|"
        r"\bkey\d?{Q}[ \t]*[:=]+[ \t]*{Q}(?P<key>[a-z0-9]{24,})\b",
        "token: … where the value looks random; `pad_token: <|endoftext|>` does not",
        r"(?-i:[A-Za-z_/-]+\d{0,4}|(?:[A-Z][a-z]{2,}\d{0,2})+|.{0,15}|\d+|[\w-]*(?:_[a-z]+){3,}.*)",
    ),
    # --- who and where ---
    Rule(
        "email",
        r"[\w%+-]@[A-Za-z0-9]",
        r"(?P<email>[A-Za-z0-9][\w.%+-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)+(?:com|org|net|edu|gov|info|dev|cloud|"
        r"tech|xyz|top|email|[a-z]{2}))\b",
        "e-mail addresses; one-letter names are matrix products such as q@k.mT",
        r"(?:git|hg)@.*",
    ),
    Rule(
        "prompt",
        r"[\w-]@[\w.-]+(?::| [^\]\n]*\][#$%]| MINGW)|\b(?:ssh|scp|rsync|sftp)\b",
        r"(?m)(?:^|[\s(\]])(?P<user>[a-z_][\w.-]*)@(?P<host>{HOST}):\S*[ \t]?[#$%]|"
        r"\[(?P<user2>[a-z_][\w.-]*)@(?P<host2>{HOST}) [^\]\n]*\][#$%]|"
        r"(?P<user3>\w[\w.-]*)@(?P<host3>{HOST}) MINGW|"
        r"\b(?:ssh|scp|rsync|sftp)\b[^\n]*?[ \t](?P<user4>[A-Za-z_][\w.-]*)@(?P<host4>{HOST})",
        "shell prompts and remote shells name user and machine: user@host:~$, [user@host folder]$, ssh user@host",
        r"{GENERIC_USER}|{GENERIC_HOST}",
    ),
    Rule(
        "windows-home",
        r"(?i)(?:[a-z]:[\\/]+|/mnt/[a-z]/)users[\\/]",
        r"(?i)(?:\b[a-z]:|/mnt/[a-z])[\\/]+users[\\/]+(?:(?P<user>[^\\/:*?\"<>|\s][^\\/:*?\"<>|\r\n]*)[\\/]|(?P<user2>[\w.-]+))",
        "user names in Windows paths",
        "{GENERIC_USER}",
    ),
    Rule(
        "home",
        r"/(?:home|Users)/",
        r"https?://[^\s?#]+|/(?:home|Users)/(?:(?P<user>[\w\x80-\xff][\w.@+\x80-\xff-]*)/|(?P<user2>\w(?:[\w.-]*\w)?))",
        "user names in paths; a URL's /home/ is a page",
        "{GENERIC_USER}",
    ),
    Rule(
        "user-variable",
        r"\b(?:USER|LOGNAME|USERNAME|SUDO_USER|SLURM_JOB_USER|NB_USER)[=\"']|(?i:logged in as)|\"username\"",
        r"\b(?:USER|LOGNAME|USERNAME|SUDO_USER|SLURM_JOB_USER|NB_USER)(?:=|[\"'][ \t]*:[ \t]*){Q}(?P<user>[\w.-]+)|"
        r"(?i)logged in as:?[ \t]+(?P<user2>\w[\w.-]*\w)|\"username\"[ \t]*:[ \t]*\"(?P<user3>[\w.@+-]+)\"",
        "the environment, kaggle.json, docker's config; wandb and hub clients say who is logged in",
        "{GENERIC_USER}",
    ),
    Rule(
        "private-ip",
        r"\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.\d+|169\.254)\.\d+\.\d",
        r"(?i)[\w.]*(?:curand|nvidia|cuda|tensorrt|cu1\d)[\w.-]*?[-=<>~! @(]*\d+(?:\.\d+)+|==[ \t]*\d+(?:\.\d+)+|"
        r"\bversions?\b[^\w\n]{0,4}v?\d+(?:\.\d+)+|\bv\d+(?:\.\d+)+|[a-z_][\w-]*\.(?:[a-z]\w*\.)*\d+(?:\.\d+)+|"
        r"\b\d+(?:\.\d+){4,}|"
        r"\b(?P<ip>(?:10\.{OCTET}|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|100\.(?:6[4-9]|[7-9]\d|1[01]\d|"
        r"12[0-7]))\.{OCTET}\.{OCTET})\b",
        "addresses of private networks; nvidia-curand-cu12 10.3.2.106 is a version",
    ),
    Rule(
        "private-ipv6",
        r"\bf(?:[cd][0-9a-f]{2}|e80):",
        r"(?i)\b(?P<ip>(?:f[cd][0-9a-f]{2}|fe80):(?:[0-9a-f]{0,4}:)+[0-9a-f]{0,4}(?:%\w+)?)",
        "unique-local and link-local IPv6 addresses",
    ),
    Rule(
        "cloud-host",
        r"\bip-\d+-\d+|\b(?:DESKTOP|LAPTOP)-",
        r"\b(?P<host>ip-\d{1,3}(?:-\d{1,3}){3}(?:\.[\w.-]*internal)?|(?:DESKTOP|LAPTOP)-[A-Z0-9]{5,8})\b",
        "AWS instance names hold the private address; Windows default machine names",
    ),
    Rule(
        "internal-domain",
        r"(?i:\.(?:corp|lan|intranet|intra|localdomain|local|internal|home\.arpa|svc))\b",
        r"(?i)host\.docker\.internal|\b(?P<host>(?:[a-z0-9-]+\.)+(?:corp|lan|intranet|intra|localdomain|"
        r"home\.arpa|svc|cluster\.local|compute\.internal|ec2\.internal)(?:\.[a-z]{2,3})?|"
        r"(?:[a-z0-9-]*[a-z0-9]-[a-z0-9-]*|[a-z]+\d[a-z0-9]*)(?:\.[a-z0-9-]+)*\.(?:local|internal))\b",
        "domains that exist only inside a company; threading.local and protobuf.internal are Python",
        "{GENERIC_HOST}",
    ),
    Rule(
        "host-variable",
        r"(?i:master_?addr|master-addr|host_?name|node_?name|node_?list|submit_host|rdzv[_-]endpoint|head_node|"
        r"host_ip|\bhost[ \t]+:)",
        r"(?i)(?:master[_-]?addr|host_?name|node_?name|node_?list|submit_host|rdzv[_-]endpoint|"
        r"head_node(?:_host)?){Q}(?:=|[ \t]+)[ \t]*{Q}(?P<host>[a-z0-9][\w.-]*[-.\d][\w.-]*(?:\[[\d,-]+\])?)|"
        r"(?:master[_-]?addr|host_?name|node_?name){Q}[ \t]*:[ \t]*{Q}(?P<host4>[a-z0-9][\w.-]*[.\d][\w.-]*)|"
        r"\bhost[ \t]+: (?P<host2>{HOST})|"
        r"\b(?:hostname|nodename|HOSTNAME)[ \t]*=[ \t]*{Q}(?P<host3>{HOST})",
        "machine names in launch commands, the environment and torchrun's failure summary",
        "{GENERIC_HOST}",
    ),
    Rule(
        "log-host",
        r":\d+:\d+ \[\d+\] |\]:\d+|connect to \(|\bslots=|\bON \S+ CANCELLED|srun: error:|"
        r"(?m:^[\w.-]+: \[\d{4}-)|(?m:^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )|\[\d+\]: |-\[\d|\d \S+ kernel:|"
        r"(?i:node|gpu|worker|host|compute)\w*\[\d",
        r"(?m)(?P<host>{HOST}):\d+:\d+ \[\d+\] (?:NCCL|\w)|\[(?P<host2>[a-zA-Z](?:[\w.-]*\w)?)\]:\d{2,5}\b|"
        r"connect to \((?P<host3>{HOST}), ?\d|"
        r"^[ \t]*(?P<host4>{HOST})[ \t]+slots=\d|\bON (?P<host5>{HOST}) CANCELLED|"
        r"srun: error: (?P<host6>[\w.-]*[\d-][\w.-]*): |"
        r"^(?P<host7>{HOST}): \[\d{4}-|^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<host8>{HOST}) [\w./-]+(?:\[\d+\])?:|"
        r"^\d{4}-\d\d-\d\d[T ]\S+ (?P<host9>[A-Za-z](?:[\w.-]*\w)?) (?:[\w./-]+\[\d+\]|kernel):|"
        r"\b(?P<host10>[A-Za-z][\w.]*(?:-\w+)*-\[\d{2,4}(?:[-,]\d{2,4})+\]|"
        r"(?i:\w*(?:node|gpu|worker|host|compute)\w*)\[\d{2,4}(?:[-,]\d{2,4})+\])",
        "machine names where NCCL, c10d, DeepSpeed, Slurm and syslog print them",
        "{GENERIC_HOST}",
    ),
    Rule(
        "url-host",
        r"://[\w.-]*\d[\w-]*[:/]",
        r"(?:https?|tcp|grpc|wss?|ray|redis|amqp|nfs|"
        r"ssh)://(?:<password-\d+>@)?(?P<host>[A-Za-z][A-Za-z-]*\d[A-Za-z0-9-]*)(?::\d|/|\s|$)",
        "a machine's short name within a URL",
    ),
)


def _expanded(text: str) -> str:
    for name, part in _PARTS.items():
        text = text.replace("{" + name + "}", part)
    return text


RULES = tuple(Rule(r.name, _expanded(r.hint), _expanded(r.pattern), r.why, _expanded(r.keep)) for r in _RULES)
