"""What redaction is measured on: texts that carry a secret, and texts that only look like it.

Nothing here is anybody's: the material is drawn from a seeded generator when the module is imported, and prefixes are put
together at run time, so that no scanner stops at this file. `HELD_OUT_*` were written before the rules, and measured when
those were first tuned on the rest: all 74 secrets were caught, 2 of 208 harmless texts hit. Those two were then mended, so it is
a held-out part no longer; the `_hard_*` were written against the finished rules, which first missed 8 of 50 and hit 4 of 87."""

from __future__ import annotations

import base64
import random
import string
from dataclasses import dataclass
from typing import Any, Literal

How = Literal["text", "source", "value"]

_RANDOM = random.Random(20_240_229)
_ALNUM = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Case:
    """One text, where it stands, and what must not be left of it."""

    how: How
    content: Any
    key: str = ""
    """The attribute's key, for `value`."""
    secrets: tuple[str, ...] = ()
    """Empty for what is harmless."""


def alnum(n: int) -> str:
    """Letters and digits, with at least one of each kind where there is room."""
    drawn = _RANDOM.choices(_ALNUM, k=n)
    if n >= 6:
        drawn[1], drawn[3], drawn[5] = (
            _RANDOM.choice(string.ascii_lowercase),
            _RANDOM.choice(string.ascii_uppercase),
            _RANDOM.choice(string.digits),
        )
    return "".join(drawn)


def letters(n: int) -> str:
    return "".join(_RANDOM.choices(string.ascii_letters, k=n))


def upper(n: int) -> str:
    return "".join(_RANDOM.choices(string.ascii_uppercase + "234567", k=n))


def digits(n: int) -> str:
    return "".join(_RANDOM.choices(string.digits[1:], k=n))


def hexa(n: int) -> str:
    return "".join(_RANDOM.choices("0123456789abcdef", k=n))


def urlsafe(n: int) -> str:
    return alnum(1) + "".join(_RANDOM.choices(_ALNUM + "-_", k=n - 2)) + alnum(1)


def b64(n: int) -> str:
    return base64.b64encode(_RANDOM.randbytes(n)).decode()


def jwt() -> str:
    """A signed token: header, claims, signature."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(b'{"sub":"%s","iat":1700000000}' % alnum(12).encode()).decode().rstrip("=")
    return f"{head}.{claims}.{urlsafe(43)}"


def uuid() -> str:
    h = hexa(32)
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def pem(kind: str = "RSA ", *, lines: int = 4, end: bool = True) -> tuple[str, tuple[str, ...]]:
    """A private key, and its lines."""
    body = tuple(b64(48) for _ in range(lines))
    text = "\n".join(("-" * 5 + f"BEGIN {kind}PRIVATE " + "KEY" + "-" * 5, *body))
    return text + ("\n" + "-" * 5 + f"END {kind}PRIVATE " + "KEY" + "-" * 5 if end else ""), body


def _vendor_keys() -> dict[str, str]:
    j = "".join
    return {
        "aws id": j(("AK", "IA", upper(16))),
        "aws temporary id": j(("AS", "IA", upper(16))),
        "github classic": j(("gh", "p_", alnum(36))),
        "github oauth": j(("gh", "o_", alnum(36))),
        "github app": j(("gh", "s_", alnum(36))),
        "github refresh": j(("gh", "r_", alnum(76))),
        "github fine-grained": j(("github", "_pat_", alnum(22), "_", alnum(59))),
        "gitlab": j(("gl", "pat-", urlsafe(20))),
        "gitlab runner": j(("gl", "rt-", urlsafe(20))),
        "slack bot": j(("xo", "xb-", digits(12), "-", digits(12), "-", alnum(24))),
        "slack user": j(("xo", "xp-", digits(12), "-", digits(12), "-", digits(12), "-", hexa(32))),
        "slack app": j(("xa", "pp-1-A", upper(10), "-", digits(13), "-", hexa(64))),
        "google api": j(("AI", "za", urlsafe(35))),
        "google oauth": j(("ya", "29.", urlsafe(120))),
        "google client secret": j(("GO", "CSPX-", urlsafe(28))),
        "stripe live": j(("sk", "_live_", alnum(24))),
        "stripe restricted": j(("rk", "_live_", alnum(99))),
        "stripe test": j(("sk", "_test_", alnum(24))),
        "stripe webhook": j(("wh", "sec_", alnum(32))),
        "openai": j(("s", "k-", alnum(48))),
        "openai project": j(("s", "k-proj-", urlsafe(120))),
        "anthropic": j(("s", "k-ant-api03-", urlsafe(93), "AA")),
        "huggingface": j(("h", "f_", letters(34))),
        "npm": j(("np", "m_", alnum(36))),
        "pypi": j(("py", "pi-AgEIcHlwaS5vcmc", urlsafe(120))),
        "sendgrid": j(("S", "G.", urlsafe(22), ".", urlsafe(43))),
        "twilio": j(("S", "K", hexa(32))),
        "telegram": j((digits(10), ":AA", urlsafe(33))),
        "discord": j(("M", alnum(25), ".", alnum(6), ".", urlsafe(38))),
        "databricks": j(("da", "pi", hexa(32))),
        "digitalocean": j(("do", "p_v1_", hexa(64))),
        "shopify": j(("sh", "pat_", hexa(32))),
        "groq": j(("gs", "k_", alnum(52))),
        "replicate": j(("r", "8_", alnum(37))),
        "perplexity": j(("pp", "lx-", alnum(48))),
        "nvidia": j(("nv", "api-", urlsafe(64))),
        "langsmith": j(("ls", "v2_pt_", hexa(32), "_", hexa(10))),
        "vault": j(("hv", "s.", alnum(24))),
        "notion": j(("nt", "n_", alnum(46))),
        "grafana": j(("gl", "sa_", alnum(32), "_", hexa(8))),
        "linear": j(("li", "n_api_", alnum(40))),
        "figma": j(("fi", "gd_", urlsafe(40))),
        "new relic": j(("NR", "AK-", upper(27))),
        "postman": j(("PM", "AK-", hexa(24), "-", hexa(34))),
        "atlassian": j(("AT", "ATT3xFfGF0", urlsafe(180))),
        "docker": j(("dc", "kr_pat_", urlsafe(27))),
        "jwt": jwt(),
        "mailgun": j(("ke", "y-", hexa(32))),
        "pinecone": j(("pc", "sk_", alnum(6), "_", alnum(60))),
        "tailscale": j(("ts", "key-auth-", alnum(12), "-", alnum(32))),
    }


_CARRIERS: tuple[tuple[How, str, str], ...] = (
    ("text", "401 Client Error: Unauthorized for key {}", ""),
    ("source", "client = Client('{}')\nclient.run()", ""),
    ("value", "{}", "config.value"),
    (
        "text",
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    go('{}')\nValueError: no",
        "",
    ),
    ("source", "# was: {} until May\ndf.head()", ""),
    ("value", "got {} instead", "message"),
    ("text", "fetch({!r})", ""),
    ("source", "!tool login {}\n", ""),
    ("value", '{{"a": 1, "b": ["{}"]}}', "body"),
    ("text", "https://example.com/{}/items", ""),
    ("source", 'x = f"""\n{}\n"""', ""),
)


def _carried(keys: dict[str, str], offset: int = 0) -> list[Case]:
    made = []
    for number, secret in enumerate(keys.values()):
        how, carrier, key = _CARRIERS[(number + offset) % len(_CARRIERS)]
        made.append(Case(how, carrier.format(secret), key, (secret,)))
    return made


def text(template: str, *secrets: str) -> Case:
    return Case("text", template.format(*secrets), secrets=secrets)


def source(template: str, *secrets: str) -> Case:
    return Case("source", template.format(*secrets), secrets=secrets)


def value(key: str, content: Any, *secrets: str) -> Case:
    return Case("value", content, key, secrets or (content,))


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _by_name() -> list[Case]:
    """Attributes whose key gives them away, whatever they look like."""
    keys = (
        "password", "db.password", "user.password", "DB_PASSWORD", "dbPassword", "passwd", "mysql_pwd", "passphrase",
        "api_key", "apiKey", "API-KEY", "x-api-key", "openai_api_key", "http.request.header.x-api-key", "apikey",
        "secret", "client_secret", "clientSecret", "aws_secret_access_key", "SECRET_KEY", "secret_value",
        "token", "access_token", "refreshToken", "GITHUB_TOKEN", "auth_token", "csrf_token", "id_token", "bot.token",
        "authorization", "http.request.header.authorization", "Proxy-Authorization",
        "cookie", "Set-Cookie", "http.response.header.set_cookie", "session_cookie",
        "private_key", "ssh_private_key", "encryption_key", "signingKey", "account_key", "PGPASSWORD", "smtp_pass",
        "jwt", "db_password_prod", "password2", "credentials.password", "vault.token.value",
    )  # fmt: skip
    kinds = (lambda: "hunter2", lambda: alnum(20), lambda: "correct horse battery staple", lambda: hexa(32), uuid)
    return [value(key, kinds[number % len(kinds)]()) for number, key in enumerate(keys)]


def _nested() -> list[Case]:
    a, b, c, d, e, f = alnum(18), alnum(22), hexa(40), alnum(16), alnum(30), alnum(12)
    return [
        value("config", {"db": {"host": "h", "password": a}}, a),
        value("headers", {"Authorization": f"Bearer {b}", "Accept": "*/*"}, b),
        value("http.request.header.authorization", (f"Bearer {c}",), c),
        value("process.command_args", ("tool", "--password", d, "-v"), d),
        value("environment", ({"name": "PATH"}, {"API_TOKEN": e}), e),
        value("body", f'{{"user": "me", "password": "{f}"}}'.encode(), f),
        value("raw", b"\xff\xfe password=" + d.encode() + b" \x00\x01", d),
        value("cookies", {"sessionid": f"sessionid={e}; Path=/"}, e),
        value("lookup", {"gh" + "p_" + a + b: 1}, a),
    ]


def _texts() -> list[Case]:
    rsa, rsa_lines = pem()
    cut, cut_lines = pem("OPENSSH ", end=False)
    token = jwt()
    return [
        text("Authorization: Bearer {}", alnum(32)),
        text("authorization: bearer {}\r\nAccept: */*", urlsafe(40)),
        text("sent {{'Authorization': 'Bearer {}', 'Accept': '*/*'}}", alnum(64)),
        text("Authorization: Basic {}", _basic("me", "hunter2")),
        text("> GET / HTTP/1.1\n> Authorization: Token {}\n", hexa(40)),
        text("Bearer {} was refused", hexa(64)),
        text("Cookie: theme=dark; sessionid={}", alnum(32)),
        text("Set-Cookie: sid={}; Path=/; HttpOnly", alnum(26)),
        text("X-Api-Key: {}", hexa(32)),
        text("could not connect to postgresql://me:{}@db.example.com:5432/sales", "hunter2"),
        text("redis://:{}@cache:6379/0", alnum(12)),
        text("mongodb+srv://app:{}@cluster0.example.net/?retryWrites=true", "p%40ss" + alnum(8)),
        text("amqp://guest:{}@mq//", "guest1"),
        text("git clone https://me:{}@git.example.com/x.git", hexa(20)),
        text("https://{}@git.example.com/x.git", alnum(40)),
        text("GET https://api.example.com/v1?user=3&access_token={}&page=2", alnum(24)),
        text("GET /data?api_key={}", alnum(16)),
        text("http://localhost:8888/lab?token={}", hexa(48)),
        text("https://x.s3.amazonaws.com/k?X-Amz-Credential=a&X-Amz-Signature={}&X-Amz-Date=1", hexa(64)),
        text("https://acc.blob.core.windows.net/c/b?sv=2022-11-02&sp=r&sig={}", b64(32).replace("+", "%2B")),
        text("callback#access_token={}&expires_in=3600", alnum(40)),
        text("Server=db;Database=sales;User Id=sa;Password={};Encrypt=yes", "Tr0ub4dor&3"),
        text("DefaultEndpointsProtocol=https;AccountName=acc;AccountKey={};EndpointSuffix=core.windows.net", b64(64)),
        text("Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}", b64(32)),
        text("connection failed: host=db user=me password={} dbname=sales", "correcthorse"),
        text("login failed for me with password={}", alnum(10)),
        text('ERROR {{"user": "me", "password": "{}"}}', "hunter2"),
        text("bad config: {{'api_key': '{}', 'retries': 3}}", alnum(20)),
        text('payload {{\\"secret\\": \\"{}\\"}}', alnum(20)),
        text("TypeError: connect(host='h', password='{}') failed", "letmein"),
        text("Settings(token='{}', debug=True)", alnum(20)),
        text("CREATE USER me WITH PASSWORD '{}'", "hunter2"),
        text("ALTER USER me IDENTIFIED BY '{}'", alnum(12)),
        text("tool --token {} --verbose", alnum(20)),
        text("mysql --user=me --password={} sales", "hunter2"),
        text("curl -u me:{} https://example.com", "hunter2"),
        text("curl -H 'X-Auth-Token: {}' https://example.com", alnum(24)),
        text("password: {}", "hunter2"),
        text("<password>{}</password>", "hunter2"),
        text("aws_secret_access_key = {}", b64(30)),
        text("export SECRET_TOKEN={}", alnum(30)),
        Case("text", rsa, secrets=rsa_lines),
        Case("text", f"key was {rsa} !", secrets=rsa_lines),
        Case("text", cut, secrets=cut_lines),
        Case("text", rsa.replace("\n", "\\n"), secrets=rsa_lines),
        Case("value", cut[:150] + "… [+3,000 characters]", "note", (cut_lines[0][:40],)),
        Case("text", f"id {token[:60]}… [+90 characters]", secrets=(token[:60],)),
        text("https://hooks.slack.com/services/{}", f"T{upper(8)}/B{upper(8)}/{alnum(24)}"),
        text("https://discord.com/api/webhooks/689697618937262836/{}", urlsafe(68)),
        Case("text", "gh" + "p_" + (s := alnum(20)) + "… [+16 characters]", secrets=(s,)),
    ]


def _sources() -> list[Case]:
    return [
        source('PASSWORD = "{}"\nconnect()', "hunter2"),
        source("db_password = '{}'", "correcthorse"),
        source("conn = connect(host='h', password='{}')", "letmein"),
        source('conn = connect(\n    host="h",\n    password="{}",\n)', "hunter2"),
        source('settings = {{"api_key": "{}", "retries": 3}}', alnum(20)),
        source('os.environ["AWS_SECRET_ACCESS_KEY"] = "{}"', b64(30)),
        source("os.environ['OPENAI_API_KEY']='{}'", alnum(30)),
        source('os.environ.setdefault("HF_TOKEN", "{}")', alnum(30)),
        source("%env API_TOKEN={}", alnum(20)),
        source("%env DB_PASSWORD {}", "hunter2"),
        source("%set_env SECRET_KEY={}\nimport x", alnum(20)),
        source("!export TOKEN={} && make", alnum(20)),
        source("!curl -H \"Authorization: Bearer {}\" https://example.com", alnum(30)),
        source("!curl -u me:{} https://example.com", "hunter2"),
        source("!mysql --password={} -e 'select 1'", "hunter2"),
        source("%%bash\nexport DB_PASSWORD={}\nrun", "correcthorse"),
        source("# password: {}\nconnect(getpass())", "hunter2"),
        source("x = 1  # the token is token={}", alnum(12)),
        source('api_key: str = "{}"', alnum(16)),
        source('password = ("{}"\n            "{}")', "correct", "horse99"),
        source('auth_token = b"{}"', alnum(20)),
        source("r = requests.get(url, auth=('me', '{}'))", "hunter2"),
        source("auth = HTTPBasicAuth('me', '{}')", "hunter2"),
        source('headers = {{"Authorization": f"Token {}"}}', hexa(40)),
        source("engine = create_engine('postgresql://me:{}@db/sales')", "hunter2"),
        source('%sql postgresql://me:{}@db/sales', "hunter2"),
        source('url = "https://example.com/v1?key=1&token={}"', alnum(16)),
        source('df = pd.read_csv("https://example.com/a.csv?api_key={}")', hexa(32)),
        source('spark.conf.set("fs.azure.account.key.acc.blob.core.windows.net", "{}")', b64(64)),
        source('spark.conf.set("spark.hadoop.fs.s3a.secret.key", "{}")', b64(30)),
        source('reader.option("password", "{}").load()', "hunter2"),
        source('client_secret="""{}"""', alnum(34)),
        source('user, password = "me", "{}"', "hunter2"),
        source('if password == "{}":\n    go()', "hunter2"),
        source('%%writefile .env\nDB_PASSWORD={}\nDEBUG=1', "correcthorse"),
        source('%%writefile config.yaml\ndb:\n  password: {}\n', "correcthorse"),
        source('secret = SecretStr("{}")', alnum(20)),
        source('login(token="{}")', alnum(20)),
        source('conn_str = "Driver=x;Server=y;Uid=me;Pwd={};"', "Hunter2!"),
        source('wandb.login(key="{}")', hexa(40)),
        source('password = os.getenv("DB_PASSWORD", "{}")', "hunter2x"),
        source('passwords = ["{}", "{}"]', "hunter2", "letmein9"),
    ]  # fmt: skip


def _held_out_secrets() -> list[Case]:
    j = "".join
    ed, ed_lines = pem("", lines=2)
    pgp = "-" * 5 + "BEGIN PGP PRIVATE " + "KEY BLOCK" + "-" * 5 + "\n\nlQOYBF" + (body := alnum(50)) + "\n"
    escaped, escaped_lines = pem("EC ")
    return [
        # formats in other carriers
        value("url.full", "https://api.telegram.org/bot" + (t := j((digits(9), ":AA", urlsafe(33)))) + "/getMe", t),
        value("exception.message", f"invalid x-api-key: {(s := j(('s', 'k-ant-admin01-', urlsafe(80))))}", s),
        text("openai.AuthenticationError: Incorrect API key provided: {}. You can find", j(("s", "k-svcacct-", alnum(60)))),
        source("login('{}', add_to_git_credential=True)", j(("h", "f_", letters(34)))),
        source("!pip install --index-url https://__token__:{}@pypi.example.com/simple x", alnum(30)),
        source("!git clone https://{}@github.com/me/x", j(("gh", "p_", alnum(36)))),
        source("!huggingface-cli login --token {}", j(("h", "f_", letters(34)))),
        source("!aws configure set aws_secret_access_key {}", b64(30)),
        text("s3://{}:{}@bucket/key", j(("AK", "IA", upper(16))), alnum(40)),
        text("env: GITHUB_TOKEN={} CI=true", j(("gh", "s_", alnum(36)))),
        text("https://maps.googleapis.com/maps/api/geocode/json?address=x&key={}", j(("AI", "za", urlsafe(35)))),
        value("http.url", f"https://x.example.com/cb?code=1&id_token={(s := jwt())}", s),
        text("oauth2/token grant_type=password&username=me&password={}&scope=all", "hunter2"),
        text("{{'x-amz-security-token': '{}'}}", b64(120)),
        text("https://discordapp.com/api/webhooks/1169769761893726283/{}", urlsafe(68)),
        text("npm ERR! //registry.example.org/:_authToken={}", j(("np", "m_", alnum(36)))),
        text("//npm.pkg.github.com/:_authToken={}", uuid()),
        text("machine api.example.com login me password {}", alnum(40)),
        text("Got key {} from vault", j(("hv", "s.CAES", urlsafe(90)))),
        value("note", j(("do", "p_v1_", s := hexa(64))), s),
        # names
        value("snowflake.password", "Summer2024!"),
        value("SNOWFLAKE_PASSWORD", "Summer2024!"),
        value("kafka.sasl.password", alnum(14)),
        value("stripe_secret_key", alnum(24)),
        value("stripeSecretKey", alnum(24)),
        value("WANDB_API_KEY", hexa(40)),
        value("telegram-bot-token", alnum(30)),
        value("http.request.header.cookie", ("a=b; sessionid=" + (s := alnum(20)),), s),
        value("login.userPassword", "letmein"),
        value("rpc.metadata.x-auth-token", alnum(30)),
        value("django.secret_key", "django-insecure-" + alnum(40)),
        value("refresh_token", alnum(60)),
        value("DATABASE_URL", "mysql+pymysql://root:" + (s := "t0p-Secret") + "@10.0.0.3/x", s),
        value("storage_account_key", b64(64)),
        value("credentials", {"user": "me", "password": (s := alnum(9))}, s),
        value("fernet_key", b64(32)),
        value("x-csrf-token", alnum(32)),
        value("sftp.passphrase", "four words of old"),
        value("conf", ({"spark.ssl.keyPassword": (s := alnum(12))},), s),
        value("args", {"kwargs": {"apiKey": (s := alnum(16))}}, s),
        value("process.command_line", f"server --port 80 --api-key={(s := alnum(22))} --debug", s),
        value("db.statement", f"SET PASSWORD FOR 'me'@'%' = '{(s := alnum(10))}'", s),
        value("db.query.text", f"CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET '{(s := b64(30))}')", s),
        value("raw", b"Authorization: Bearer " + (s := alnum(40)).encode(), s),
        # code
        source("import openai\nopenai.api_key = '{}'", alnum(32)),
        source("cfg['db']['password'] = '{}'", "s3same"),
        source("creds = dict(user='me', password='{}')", "s3same"),
        source("conn = psycopg2.connect('dbname=x user=me password={}')", "s3same"),
        source('conn = pyodbc.connect(f"DRIVER=x;SERVER=y;UID=me;PWD={}")', "Summer2024!"),
        source("snowflake.connector.connect(user='me', password='{}', account='a')", "Summer2024!"),
        source("HEADERS = {{\n    'X-API-KEY': '{}',\n}}", hexa(32)),
        source("session.headers.update({{'Authorization': 'Bearer {}'}})", alnum(40)),
        source("!PGPASSWORD={} psql -h db -U me", "s3same"),
        source("!docker run -e POSTGRES_PASSWORD={} postgres", "mysecretpw"),
        source("%%sh\ncurl -s --user me:{} https://example.com", "s3same"),
        source("# TODO remove, pw=hunter2: api_key = \"{}\"", alnum(20)),
        source("@dataclass\nclass C:\n    token: str = '{}'", alnum(20)),
        source("key = 1\nsecret_key = '{}'  # rotate", b64(24)),
        source("def f(password='{}'):\n    pass", "s3same"),
        source("dbutils.fs.mount(source='x', extra_configs={{'fs.azure.account.key.a': '{}'}})", b64(64)),
        source("os.putenv('MY_TOKEN', '{}')", alnum(24)),
        source("token = \\\n    '{}'", alnum(24)),
        source("paramiko.connect('h', username='me', password='{}', timeout=3)", "s3same"),
        source("twilio = Client('AC" + hexa(32) + "', auth_token='{}')", hexa(32)),
        source("PRIVATE_KEY = '0x{}'", hexa(64)),
        source("\"\"\"Notes\n\nlogin: me\npassword: {}\n\"\"\"", "s3same77"),
        source("jdbc = 'jdbc:postgresql://h/x?user=me&password={}'", "s3same"),
        # keys, whole, cut and escaped
        Case("source", f'KEY = """{ed}"""', secrets=ed_lines),
        Case("text", pgp, secrets=(body,)),
        Case("value", '{"private_key": "' + escaped.replace("\n", "\\n") + '", "x": 1}', "json", escaped_lines),
        Case("text", escaped[:200], secrets=(escaped_lines[0], escaped_lines[1])),
        Case("text", f"Cookie: a={(c := alnum(30))}… [+300 characters]", secrets=(c,)),
        Case("text", f"postgresql://me:{(c := alnum(12))}@d… [+30 characters]", secrets=(c,)),
        Case("text", f'{{"password": "{(c := alnum(12))}… [+30 characters]', secrets=(c,)),
    ]  # fmt: skip


_NAMES_OF_HARMLESS: tuple[tuple[str, Any], ...] = (
    ("author", "Ada Lovelace"), ("authors", "A. Lovelace, C. Babbage"), ("git.author.name", "Ada"),
    ("authority", "db.example.com:5432"), ("tokenizer", "bert-base-uncased"), ("tokenizer_name", "gpt2"),
    ("tokenizerFast", "yes"), ("token_count", 512), ("max_tokens", 4096), ("gen_ai.usage.input_tokens", 33),
    ("llm.usage.total_tokens", "512"), ("tokens", "the quick brown fox"), ("n_tokens", "12"), ("keyboard", "qwerty"),
    ("monkey", "patched"), ("passenger", "Smith"), ("passengers", "3"), ("cookie_banner_seen", True),
    ("cookie_consent", "accepted"), ("session_id", uuid()), ("jupyter.session.id", uuid()), ("session.id", uuid()),
    ("primary_key", "order_id"), ("foreign_key", "customer_id"), ("sort_key", "created_at"), ("key", "orders/2024.csv"),
    ("keys", "a, b, c"), ("partition_key", "2024-01"), ("cache_key", hexa(32)), ("s3.key", "data/part-0001.parquet"),
    ("messaging.kafka.message.key", "order-42"), ("public_key", b64(32)), ("keyword", "password manager"),
    ("secretary", "Jones"), ("compass", "north"), ("bypass", "no"), ("passed", "12"), ("pass_rate", "0.93"),
    ("first_pass", "done"), ("boarding_pass", "12A"), ("pad_token", "[PAD]"), ("eos_token", "</s>"),
    ("bos_token", "<s>"), ("mask_token", "[MASK]"), ("unk_token", "unknown"), ("special_tokens", "cls sep"),
    ("next_page_token", "CAEQAA"), ("token_type", "bearer"), ("token_type_ids", "0 0 1"), ("token_url", "https://e.com/t"),
    ("password_policy", "strict"), ("password_reset", "sent"), ("secret_name", "prod/db"), ("secret_santa", "Maria"),
    ("auth_method", "oauth2"), ("auth.type", "basic"), ("auth_provider", "github"), ("api_key_name", "laptop"),
    ("access_level", "read"), ("private", "yes"), ("signature", "f(x, y)"), ("hash", hexa(64)), ("git.commit", hexa(40)),
    ("trace_id", hexa(32)), ("user.id", uuid()), ("container.id", hexa(64)), ("etag", hexa(32)), ("checksum", hexa(40)),
    ("password", ""), ("password", "***"), ("password", None), ("token", "None"), ("api_key", "<your-api-key>"),
    ("api_key", "${API_KEY}"), ("token", 42), ("secret", False), ("password", "********"), ("tokenization", "bpe"),
    ("authenticated", "true"), ("auth_enabled", "yes"), ("cookie_domain", "example.com"), ("token_endpoint", "/token"),
    ("keyspace", "sales"), ("hotkey", "ctrl+s"), ("ssh_key_path", "/home/me/.ssh/id_rsa"), ("tls_key_file", "/etc/k.pem"),
    ("password_field", "pw_input"), ("has_password", "true"), ("token_limit", "8192"), ("cwd", "/home/me"),
    ("PWD", "/home/me/work"), ("pwd", "/srv"), ("credential_type", "service_account"), ("bearing", "north"),
)  # fmt: skip


def _harmless_texts() -> list[Case]:
    texts = [
        "SELECT orders", "GET", "train", "cell [3] df.head()", "fit model=ridge", "load data", "epoch 12", "db.query",
        "Bearer of bad news", "the bearer authentication scheme", "Basic understanding of tokens", "Basic auth is used",
        "password reset email sent", "Password must be at least 8 characters", "invalid password", "wrong password for me",
        "token expired", "Unexpected token ')' at line 3", "SyntaxError: invalid token", "no API key given",
        "secret not found", "the secret of good soup", "cookie: a small sweet biscuit", "a cookie recipe",
        "KeyError: 'password'", "KeyError: 'token'", "KeyError: 'api_key'", "missing key: region",
        "AttributeError: 'Tokenizer' object has no attribute 'pad_token'", "ValueError: Asking to pad but the tokenizer "
        "does not have a padding token. Please select a token to use as `pad_token` `(tokenizer.pad_token = tokenizer.eos_token)`",
        "Please set OPENAI_API_KEY", "The api_key client option must be set either by passing api_key to the client or by "
        "setting the OPENAI_API_KEY environment variable", "got an unexpected keyword argument 'password'",
        "TypeError: connect() missing 1 required positional argument: 'password'", "connecting with user=me dbname=sales",
        "https://example.com/a/b?page=2&limit=50", "https://example.com/search?q=password+manager&lang=en",
        "https://example.com:8443/path?x=1#top", "http://localhost:8888/lab/tree/a.ipynb", "https://user@example.com/",
        "https://docs.python.org/3/library/secrets.html#secrets.token_hex", "ssh://git@github.com/me/x.git",
        "git@github.com:me/x.git", "mailto:ada@example.com", "ada@example.com wrote: hello", "s3://bucket/prefix/part-0.parquet",
        "postgresql://db.example.com:5432/sales", "postgresql://me@db.example.com/sales", "postgresql://me:***@db/sales",
        "redis://cache:6379/0", "jdbc:postgresql://h:5432/x?user=me&ssl=true", "file:///home/me/data/a.csv",
        "/home/me/.ssh/id_rsa", "/etc/ssl/private/server.key", "C:\\Users\\me\\token.txt", "data/tokens/train-00001-of-00002.arrow",
        "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.key = 'a' LIMIT 10",
        "SELECT token, count(*) FROM tokens GROUP BY token ORDER BY 2 DESC", "INSERT INTO users (name, password_hash) VALUES (?, ?)",
        "UPDATE users SET password = %s WHERE id = %s", "SELECT * FROM t WHERE api_key = :api_key", "PRIMARY KEY (id), FOREIGN KEY (a)",
        "CREATE TABLE users (id INT, password VARCHAR(64), token TEXT)", "CREATE USER me WITH PASSWORD %s",
        f"commit {hexa(40)}", f"{hexa(7)} Fix typo", f"sha256:{hexa(64)}", f"md5 {hexa(32)}", f"request {uuid()} done",
        f"trace {hexa(32)} span {hexa(16)}", f"image sha256-{b64(32)}", f"etag W/\"{hexa(32)}\"", f"run-{digits(10)}-{hexa(6)}",
        f"wandb/run-20240229_101112-{alnum(8).lower()}", f"s3://bucket/{uuid()}/part-00000-{uuid()}.c000.snappy.parquet",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        f"data:application/octet-stream;base64,{b64(90)}", f"integrity=\"sha512-{b64(64)}\"", b64(120),
        "sk-learn 1.4", "scikit-learn", "task-3 of disk-12", "risk-adjusted-return-portfolio-2024", "hf_hub_download(repo_id='x')",
        "hf_transfer enabled", "npm_config_registry=https://registry.example.org", "pypi-server started", "SG.UTF-8", "AKIA",
        "xoxo", "google/flan-t5-xxl", "meta-llama/Llama-2-7b-chat-hf", "sentence-transformers/all-MiniLM-L6-v2",
        "gpt-4-turbo-2024-04-09", "claude-3-opus-20240229", "eyJ", "eyJhIjoxfQ", "-----BEGIN CERTIFICATE-----",
        f"-----BEGIN CERTIFICATE-----\n{b64(48)}\n{b64(48)}\n-----END CERTIFICATE-----",
        f"-----BEGIN PUBLIC KEY-----\n{b64(48)}\n-----END PUBLIC KEY-----", f"ssh-rsa {b64(90)} me@host",
        "   a  b\n0  1  2\n1  3  4", "array([1, 2, 3])", "DataFrame(token=['the', 'a'], count=[3, 2])",
        "[5 rows x 3 columns]", "token    count\nthe        12\na           7", "   user_id  password_changed\n0        1              True",
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in login\n    client = Client(api_key=api_key, token=token)\n"
        "ValueError: no", "  File \"b.py\", line 7, in f\n    conn = connect(host, password=password)\nOperationalError: refused",
        "    return self._auth(token=self.token, password=settings.password)", "in authenticate(username, password)",
        "Authorization header missing", "Authorization: none", "auth: ok", "Set-Cookie header ignored", "set token: done",
        "tokens: 512, time: 3s", "Token indices sequence length is longer than the specified maximum (612 > 512)",
        "max_tokens=4096 temperature=0.2", "num_tokens=12", "completion_tokens=5, prompt_tokens=33, total_tokens=38",
        "token_type=bearer expires_in=3600", "vocab_size=50257 pad_token_id=0 eos_token='</s>'", "next_token='cat' p=0.31",
        "Enter password: ", "Password: ", "password: required", "password: incorrect", "{'password': 'This field is required.'}",
        "{\"token\": null}", "{\"password\": \"\"}", "{'api_key': None}", "{'password': '***'}", "password=None", "token=''",
        "api_key=<redacted>", "password=[redacted: password]", "Authorization: Bearer [redacted: bearer]", "password=****",
        "2024-02-29T10:11:12.123456Z INFO started", "10.0.0.3 - - [29/Feb/2024:10:11:12 +0000] \"GET / HTTP/1.1\" 200",
        "12:30:45", "a=1&b=2", "x: 1, y: 2", "key=value", "key: value", "keys=['a', 'b']", "sort(key=len)", "sorted by key=itemgetter(1)",
        "OperationalError: FATAL: password authentication failed for user \"me\"", "Access denied for user 'me'@'h' (using password: YES)",
        "403 Forbidden: token does not have scope read", "401 Unauthorized: Basic realm=\"x\"", "WWW-Authenticate: Bearer realm=\"x\"",
        "grant_type=client_credentials&scope=read", "see the --token option", "usage: tool [--password PASSWORD] [--token TOKEN]",
        "pass --api-key or set API_KEY", "author=Ada Lovelace, authority=x", "https://example.com/authors/1?author=2",
        "https://example.com/login?next=/tokens", "https://example.com/reset-password/done", "https://example.com/?utm_source=a&session=3",
        "https://tokenizer.example.com/v1/tokenize?text=hello", "user: me, pass: 1 of 3", "compass: north", "the pass phrase is secret",
        "Cosine=0.93; sine=0.12", "f(x) = a * x + b", "α=0.05, β=0.2", "naïve café – 12 €", "日本語のテキスト", "🎉 done",
    ]  # fmt: skip
    return [Case("text", text) for text in texts]


def _harmless_sources() -> list[Case]:
    sources = [
        "token = get_token()", "api_key = os.environ['OPENAI_API_KEY']", 'api_key=os.environ["K"]', "tokens = text.split()",
        "password = getpass('Password: ')", 'password = getpass.getpass("Database password: ")', "token = tokens[0]",
        "for token in tokens:\n    print(token)", "client = Client(api_key=api_key, token=token)", "password = None",
        "password = ''", "connect(password=os.getenv('DB_PASSWORD'))", "token = os.environ.get('HF_TOKEN')",
        "tokenizer = AutoTokenizer.from_pretrained('bert-base-uncased')", "tokenizer.pad_token = tokenizer.eos_token",
        "tokenizer.pad_token = '[PAD]'", "tokenizer.add_special_tokens({'pad_token': '<pad>'})", "eos_token='<|endoftext|>'",
        "max_tokens = 4096", "n_tokens: int = 12", "df['token'].value_counts()", "df[['user', 'password_changed']]",
        "df = df.drop(columns=['password', 'token', 'api_key'])", "SECRET_FIELDS = {'password', 'token', 'secret'}",
        "df.groupby('key').agg(total=('x', 'sum'))", "df.merge(other, on='key', how='left')", "sorted(rows, key=lambda r: r['key'])",
        "d = {'key': 'value', 'keys': ['a', 'b']}", "author = 'Ada Lovelace'", "__author__ = 'Ada'", "authors = ['Ada', 'Charles']",
        "keyboard = 'qwerty'", "monkey = 'patch'", "passengers = pd.read_csv('titanic.csv')", "import secrets\nsecrets.token_hex(16)",
        "from getpass import getpass", "import tokenize, keyword", "def login(user, password):\n    return auth(user, password)",
        "def f(token: str, *, api_key: str | None = None) -> str: ...", "assert token is not None, 'no token'",
        "if not api_key:\n    raise ValueError('api_key is missing')", "parser.add_argument('--password', help='the password to use')",
        "parser.add_argument('--token', '-t', required=True)", "print(f'token: {token}')", "print('password:', '*' * len(password))",
        "print('Password:')", "headers = {'Authorization': f'Bearer {token}'}", 'headers = {"Authorization": "Bearer " + token}',
        "headers = {'Authorization': 'Bearer {}'.format(token)}", "url = f'postgresql://{user}:{password}@{host}/{db}'",
        "url = 'postgresql://%s:%s@%s/%s' % args", "url = f'https://example.com/?token={token}'", "requests.get(url, auth=(user, password))",
        "requests.get(url, params={'token': token, 'page': 2})", "!export TOKEN=$OTHER_TOKEN", "!curl -H \"Authorization: Bearer $TOKEN\" https://e.com",
        "!curl -u \"$USER:$PASS\" https://example.com", "%env TOKEN=$TOKEN", "%env", "!pip install tokenizers sentencepiece",
        "# the token is read from the environment", "# TODO: password handling", "# password: see the wiki", "# api_key: from the vault",
        '"""Return the token.\n\n    password: the password of the user\n    token: str, optional\n    """',
        "def connect(host, password):\n    '''Connect.\n\n    Parameters\n    ----------\n    password : str\n        The password.\n    '''",
        "config = load('config.yaml')\npassword = config['db']['password']", "secret = client.get_secret('prod/db')",
        "token = client.get_token('https://vault.example.com/.default')", "key = 'orders/2024/01.csv'", "s3.get_object(Bucket='b', Key='data/a.parquet')",
        "cache_key = f'{name}:{version}'", "key = jax.random.PRNGKey(0)\nkey, sub = jax.random.split(key)", "attn = MultiHeadAttention(num_heads=8, key_dim=64)",
        "q, k, v = query, key, value", "auth = None", "auth_method = 'oauth2'", "cookie_policy = 'lax'", "session = requests.Session()",
        "session_id = '12'", "x = df.loc[df.token == 'the', 'count']", "vocab = {'the': 0, 'a': 1}", "text = 'The bearer of this letter'",
        "plt.title('Tokens per second')", "plt.legend(title='auth method')", "st.text_input('API key', type='password')",
        "widgets.Password(description='Password:')", "widgets.Password(placeholder='Enter token', description='Token:')",
        f"COMMIT = '{hexa(40)}'", f"run_id = '{uuid()}'", f"digest = 'sha256:{hexa(64)}'", f"img = 'data:image/png;base64,{b64(60)}'",
        "model = 'meta-llama/Llama-2-7b-chat-hf'", "password_hash = hash_password(password)", "password_reset_url = reverse('password_reset')",
        "TOKEN_URL = 'https://example.com/oauth/token'", "token_type = 'bearer'", "api_key_header = 'X-Api-Key'", "COOKIE_NAME = 'session'",
        "SECRET_NAME = 'prod/db'", "secret_path = '/run/secrets/db'", "private_key_path = '~/.ssh/id_rsa'", "key_file = 'server.key'",
        "with open('token.txt') as f:\n    token = f.read().strip()", "api_key = '<your-api-key>'", "api_key = 'YOUR_API_KEY'", "password = '...'",
        "token = ''.join(parts)", "token = token or ''", "token = parts[0] if parts else None",
        "keys = list(d.keys())", "primary_key = 'id'", "pk = 'id'", "pwd = os.getcwd()", "!pwd", "%pwd", "pw = pairwise(x)", "b = base64.b64encode(x)",
        "%%sql\nSELECT token, password_hash FROM users", "%%bash\nls -la ~/.ssh\necho $TOKEN", "%load_ext dotenv\n%dotenv", "load_dotenv()",
        "keyring.get_password('system', 'me')", "token = keyring.get_password('system', 'me')", "hf_token = userdata.get('HF_TOKEN')",
        "os.environ['TOKENIZERS_PARALLELISM'] = 'false'", "os.environ.setdefault('TOKENIZERS_PARALLELISM', 'false')", "%env CUDA_VISIBLE_DEVICES=0",
    ]  # fmt: skip
    return [Case("source", text) for text in sources]


def _held_out_harmless() -> list[Case]:
    texts = [
        "tokenize 4,000 documents", "auth/login", "POST /api/token", "GET /authors/{id}", "user.password.changed", "check_password",
        "AuthService/RefreshToken", "SecretManagerService.AccessSecretVersion", "keyspace.sales", "sign-in with passkey",
        "bearer: Jones", "Basic plan, 3 seats", "password strength: weak", "Passwords do not match", "your token has expired: please log in",
        "token: invalid", "secret: not set", "expected token: ';' but got 'end'", "api key is required: pass api_key=...",
        "rate limit reached for tokens per min (TPM): Limit 90000, Used 89000", "tokens/s: 35.2", "token budget: 4096 of 8192",
        "cookies: enabled", "cookie jar: empty", "author: Ada Lovelace <ada@example.com>", "Co-authored-by: Ada <ada@example.com>",
        "authors: Lovelace, Ada; Babbage, Charles", "authentication: success", "key: orders/2024/01.csv", "sort key: created_at desc",
        f"object {hexa(40)} is a tree", f"blob {hexa(64)}", f"span {hexa(16)} of trace {hexa(32)}", f"job {uuid()} on worker-{digits(3)}",
        f"arn:aws:iam::{digits(12)}:role/reader", f"projects/x/secrets/db-password/versions/{digits(2)}", f"cid bafybei{hexa(52)}",
        f"docker.io/library/python@sha256:{hexa(64)}", f"v1.2.3+g{hexa(8)}", f"pkg-1.2-py3-none-any.whl (sha256: {hexa(64)})",
        f"mlruns/0/{hexa(32)}/artifacts/model", f"ray::worker pid={digits(5)} node={hexa(56)}", f"dask-worker-{hexa(8)}-{hexa(8)}",
        f"('read-csv-{hexa(32)}', 3)", f"getitem-{hexa(32)}", "text/html; charset=utf-8", "application/vnd.oci.image.manifest.v1+json",
        "https://example.com/a?b=c&d=e#f", "https://example.com/path;v=1/x", "https://example.com/~ada/index.html", "ftp://ftp.example.com/pub/a.gz",
        "https://en.wikipedia.org/wiki/Secret_key", "https://huggingface.co/settings/tokens", "https://github.com/settings/tokens/new?scopes=repo",
        "https://example.com/oauth/authorize?response_type=code&client_id=12&redirect_uri=https://e.com/cb", "ws://localhost:8888/api/kernels/12/channels",
        "tcp://127.0.0.1:5555", "http://[::1]:8080/x", "http://example.com:80/@me", "https://medium.com/@ada/tokens-3f2a", "npm i @scope/pkg@1.2.3",
        "sqlite:///data.db", "duckdb://:memory:", "bigquery://project/dataset", "mysql://localhost/x", "snowflake://me@acct/db/schema?warehouse=w",
        "WITH t AS (SELECT key, value FROM kv) SELECT * FROM t WHERE key LIKE 'auth%'", "SELECT md5(password) FROM users WHERE id = $1",
        "SELECT * FROM sessions WHERE token = ?", "GRANT SELECT ON t TO me", "ALTER TABLE users ADD COLUMN api_key TEXT", "DELETE FROM tokens WHERE expires_at < now()",
        "Series([], Name: token, dtype: object)", "Index(['user', 'password', 'token'], dtype='object')", "<Tokenizer vocab=50257>", "Tokenizer(vocab_size=50257, pad='<pad>')",
        "BertTokenizerFast(name_or_path='bert-base-uncased', special_tokens={'unk_token': '[UNK]', 'sep_token': '[SEP]'})",
        "CompletionUsage(completion_tokens=12, prompt_tokens=33, total_tokens=45)", "Span(name='auth', context=None)", "Namespace(token=None, password=None)",
        "pydantic_core.ValidationError: 1 validation error for Settings\napi_key\n  Field required [type=missing, input_value={}, input_type=dict]",
        "botocore.exceptions.NoCredentialsError: Unable to locate credentials", "google.auth.exceptions.DefaultCredentialsError: no credentials",
        "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.example.com/v1/me", "jwt.exceptions.DecodeError: Not enough segments",
        "KeyError: 'OPENAI_API_KEY'", "  File \"/usr/lib/python3/getpass.py\", line 77, in unix_getpass\n    passwd = _raw_input(prompt, stream, input=input)",
        "    token = self._get_token(scopes, **kwargs)", "    headers['Authorization'] = self._auth_header(token)", "    self.secret_key = secret_key",
        "Epoch 3: loss=0.12 acc=0.93 lr=1e-4", "P(token|context) = 0.31", "H0: μ = 0; H1: μ ≠ 0", "ratio 3:2, score 12:30", "a:b:c:d", "x=1;y=2;z=3",
        "Grüße aus Köln: Schlüssel=verloren", "пароль забыт", "密码错误", "— ' \" ` —", "((((", "=====", "-----", "::::", "a" * 300, "password " * 30,
        "Remember the milk; pass the salt.", "They kept the secret: nobody knew.", "Open sesame was the password, said Ali.",
    ]  # fmt: skip
    sources = [
        "for tok, pos in nltk.pos_tag(tokens):\n    counts[tok] += 1", "token_ids = tokenizer.encode(text)", "inputs = tokenizer(text, return_tensors='pt')",
        "generate(prompt, max_new_tokens=50, eos_token_id=tokenizer.eos_token_id)", "config = dict(pad_token_id=0, bos_token='<s>')", "from azure.identity import DefaultAzureCredential",
        "credential = DefaultAzureCredential()", "creds = service_account.Credentials.from_service_account_file('key.json')", "api_key = input('API key: ')",
        "openai.api_key = os.getenv('OPENAI_API_KEY')", "client = OpenAI(api_key=userdata.get('OPENAI_API_KEY'))", "token = dbutils.secrets.get(scope='s', key='t')",
        "conn = connect(**{'user': user, 'password': password})", "cfg = {'password': os.environ['PW'], 'token': token}", "engine = create_engine(os.environ['DATABASE_URL'])",
        "engine = create_engine(URL.create('postgresql', username=user, password=password, host=host))", "assert resp.json()['token']", "resp.cookies['session']", "del df['password']",
        "df.rename(columns={'pwd': 'password', 'tok': 'token'})", "df['key'] = df['a'] + '-' + df['b']", "groups = df.set_index('key')['value'].to_dict()", "x = {'primary_key': 'id', 'sort_key': 'created_at'}",
        "class Token(NamedTuple):\n    kind: str\n    text: str", "def authenticate(self, token: str | None = None): ...", "@pytest.mark.parametrize('password', ['', None])", "raise AuthError('token expired')",
        "log.info('token %s', token[:4])", "help(getpass)", "!echo $HF_TOKEN | wc -c", "!huggingface-cli login --token $HF_TOKEN", "!aws s3 ls s3://bucket/key", "!ssh-keygen -t ed25519 -f key", "!git log --author=Ada",
        "%%writefile app.py\nimport os\nTOKEN = os.environ['TOKEN']", "# Authorization: the header is set by the client", "# see https://example.com/?page=3 for the tokens", "# keys: a, b, c", "# author: Ada Lovelace",
        "password: str", "token: Optional[str] = None", "secret_key: bytes = field(repr=False)", "def f(password: str = '', token=None): pass", "is_secret = True", "auth = (user, pw)", "pw = getpass()",
        "HEADERS = {'Accept': 'application/json', 'Content-Type': 'application/json'}", "url = 'https://example.com/token'", "path = 'tokens/train.bin'", "np.save('keys.npy', keys)", "plt.xlabel('password length')", "ax.set_title('key = %s' % key)",
        "sum(token.isalpha() for token in tokens)", "Counter(tokens).most_common(10)", "print('Bearer', bearer)", "print(f'{user=} {password=}')", "x = 'Basic' if basic else 'Bearer'", f"rev = '{hexa(12)}'", f"assert sha == '{hexa(64)}'",
    ]  # fmt: skip
    values: tuple[tuple[str, Any], ...] = (
        ("tokenizer.class", "GPT2TokenizerFast"), ("token.text", "cat"), ("token_index", "12"), ("author_email", "ada@example.com"), ("authn.provider", "okta"), ("http.request.header.accept", ("*/*",)),
        ("db.namespace", "auth"), ("code.function.name", "auth.tokens.refresh_token"), ("error.type", "auth.TokenExpiredError"), ("rpc.method", "RefreshToken"), ("messaging.destination", "password-resets"),
        ("openai.api_base", "https://api.openai.com/v1"), ("service.name", "token-service"), ("service.instance.id", uuid()), ("host.id", hexa(32)), ("process.command_args", ("python", "-m", "auth", "--port", "80")),
        ("key_columns", ("id", "date")), ("monkeys", 3), ("stats", {"tokens": 12, "token_count": 3, "keys": ("a", "b")}), ("params", {"key": "value", "author": "Ada"}), ("password_length", "12"), ("secret_count", "3"),
        ("cookies_accepted", "yes"), ("token_expiry", "2024-02-29"), ("api_key_id", "laptop-1"), ("passcount", "3"), ("input.key", "a"), ("bytes", b"\x89PNG\r\n\x1a\n\x00\x00"), ("pickle", b"\x80\x04\x95\x1f\x00\x00\x00token\x94."),
        ("jupyter.kernel.id", uuid()), ("jupyter.cell.id", hexa(8)), ("end_token", "STOP"), ("stop_tokens", ("\n", "###")), ("keypoints", "17"), ("masterpiece", "yes"), ("sort.keys", ("a", "b")),
        ("authorized", "yes"), ("unauthorized_count", "3"), ("url.path", "/oauth/token"), ("tls.client.certificate", "CN=x"),
    )  # fmt: skip
    return (
        [Case("text", text) for text in texts]
        + [Case("source", text) for text in sources]
        + [Case("value", content, key) for key, content in values]
    )


def _hard_secrets() -> list[Case]:
    """Written against the rules when they stood: what a reader of them would try."""
    j = "".join
    return [
        text("Invalid credentials: user=admin, pass={}", "S3cr3t!pw"),
        value("dbPass", "hunter2"),
        value("aws.secret", b64(30)),
        source('client = boto3.client("s3", aws_access_key_id="AKIAX", aws_secret_access_key="{}")', b64(30)),
        source('client = OpenAI(api_key = "{}")', alnum(32)),
        source('os.environ.update({{"OPENAI_API_KEY": "{}"}})', alnum(32)),
        source('os.environ |= dict(HF_TOKEN="{}")', alnum(32)),
        source("%env HF_TOKEN='{}'", alnum(34)),
        source("!wandb login {}", hexa(40)),
        source('%%writefile kaggle.json\n{{"username":"me","key":"{}"}}', hexa(32)),
        source("login(username='me', pwd='{}')", "s3same"),
        text("Authorization: AWS4-HMAC-SHA256 Credential=AK/2024/s3, SignedHeaders=host, Signature={}", hexa(64)),
        source("requests.get(url, cookies={{'session': '{}'}})", alnum(32)),
        source("smtp.login('me@example.com', '{}')", "hunter2x"),
        source('url = f"https://{{user}}:{}@host/x"', "hunter2"),
        source("redis.Redis(host='h', password = '{}')", "s3same"),
        text('Authorization: Token token="{}"', alnum(24)),
        text("X-Vault-Token: {}", "s." + alnum(24)),
        source('!curl --header "PRIVATE-TOKEN: {}" https://gitlab.example.com', alnum(20)),
        text("The password is {} for now", "hunter2"),
        text("  token: {}\n  host: x\n", alnum(20)),
        text('[db]\nuser = "me"\npassword = "{}"\n', "s3same"),
        value("x-functions-key", b64(40)),
        value("Ocp-Apim-Subscription-Key", hexa(32)),
        value("SENTRY_DSN", "https://" + (s := hexa(32)) + "@o1.ingest.sentry.io/12", s),
        value("KAGGLE_KEY", hexa(32)),
        text("(Background on this error) [parameters: {{'password': '{}', 'id': 3}}]", "hunter2"),
        value("env", ("A=1", "DB_PASSWORD=" + (s := alnum(12))), s),
        value("headers", (("Authorization", "Bearer " + (s := alnum(40))), ("Accept", "*/*")), s),
        value("headers", (("X-Api-Key", (s := alnum(40))), ("Accept", "*/*")), s),
        value("request", '{"auth":{"username":"me","password":"' + (s := alnum(9)) + '"}}', s),
        text('psql: error: connection to server at "postgres://me:{}@h:5432/db" failed', "hunter2"),
        text("fatal: Authentication failed for 'https://me:{}@github.com/me/x.git/'", alnum(30)),
        text("DEBUG:urllib3:GET /v1/x?apikey={}&q=1 HTTP/1.1", hexa(32)),
        text(
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /q?appid=1&token={} (Caused by x)",
            alnum(32),
        ),
        source("key = '{}'\nos.environ['OPENAI_API_KEY'] = key", j(("s", "k-proj-", urlsafe(60)))),
        source("genai.configure(api_key='{}')", j(("AI", "za", urlsafe(35)))),
        source("MY_PASS = '{}'", "hunter2"),
        source("login('me', token='{}')", alnum(30)),
        source("conn = f'DefaultEndpointsProtocol=https;AccountName={{a}};AccountKey={}'", b64(64)),
        source('!export AWS_SECRET_ACCESS_KEY="{}"', b64(30)),
        source("subprocess.run(['tool', '--token', '{}'])", alnum(30)),
        source("subprocess.run('tool --password {} run', shell=True)", "hunter2"),
        value("subprocess.args", "['tool', '--token', '%s']" % (s := alnum(30)), s),
        source("x = 3 # pw: {}", "hunter2"),
        text("passphrase for key '/home/me/.ssh/id': {}", "s3same99"),
        value("proxy", "http://me:" + (s := "s3same") + "@proxy:3128", s),
        value("secret_key_base", hexa(64)),
        value("oauth.consumer_secret", alnum(40)),
        value("token", alnum(6).lower() + "9"),
    ]


def _hard_harmless() -> list[Case]:
    texts = [
        "the token bucket algorithm: capacity=10",
        "password_changed_at: 2024-02-29T10:11:12",
        "token=3/8 done",
        "tokens=[1, 2, 3]",
        "auth=False",
        "key=0x7f3a",
        "author='Ada'",
        "KeyError: ('token', 'the')",
        "SELECT 'password' AS kind, count(*) AS n FROM events",
        "INSERT INTO tokens (token) VALUES ('cat'), ('dog')",
        "WHERE auth_type = 'basic' AND key = 'a1b2'",
        "https://e.com/?key=orders&sort=asc",
        "https://e.com/?auth=oauth2",
        "Loading checkpoint shards: 100%|##########| 2/2",
        "loss=0.3, tokens_seen=1.2e9, tok/s=3512",
        "Special tokens have been added in the vocabulary, make sure the associated word embeddings are fine-tuned or trained.",
        "max_position_embeddings=4096, num_key_value_heads=8, rope_theta=1e6",
        "past_key_values=None, use_cache=True",
        "ValueError: too many values to unpack (expected 2)",
        "KeyError: \"['token'] not in index\"",
        "pandas.errors.MergeError: Merge keys are not unique in left dataset; not a one-to-one merge",
        "password: str = Field(min_length=8)",
        "'token': <class 'str'>",
        "{'token': 'DET', 'text': 'the'}",
        "[{'token': 'New', 'score': 0.99}, {'token': 'York', 'score': 0.98}]",
        "S3Key(bucket='b', key='data/2024/part-0001.parquet')",
        "s3.exceptions.NoSuchKey: An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
        "Cookie clicker: 3 cookies",
        "bearer=None",
        "Basic statistics: mean=3.2",
        "basic=True",
        f"Basic {'A' * 8}",
        "job-20240229-abc123",
        f"model-{hexa(8)}.safetensors",
        f"{uuid()}.parquet",
        f"gs://b/{hexa(40)}/x",
        f"projects/p/locations/l/keyRings/r/cryptoKeys/k{digits(3)}",
        "auth0|" + hexa(24),
        f"user_{alnum(12).lower()}",
        f"cus_{alnum(14)}",
        "pk_test_publishable",
        f"req_{alnum(16)}",
        f"chatcmpl-{alnum(29)}",
        f"resp_{hexa(48)}",
        f"asst_{alnum(24)}",
        f"run_{alnum(24)}",
        "arXiv:2403.01234v2",
        "doi:10.1000/xyz123",
        "isbn:978-3-16-148410-0",
        "a->b: 3; b->c: 4",
        "x = 'it''s'; y = \"q\"",
        "mean ± sd: 3.2 ± 0.1",
        "http://a.b/c?d=e:f@g",
        "user:group 1000:1000",
        "docker run -u 1000:1000 x",
        "C:/Users/me/keys.csv",
        "mongodb://localhost:27017/?authSource=admin",
    ]
    sources = [
        "token_df = df[df['token'] != '']",
        "tokens = [t for t in doc if t.pos_ == 'NOUN']",
        "token = doc[0]; token.text == 'The'",
        "key = ('a', 'b')",
        "keys = ['id', 'date1', 'date2']",
        "df.pivot(index='key', columns='token1', values='n')",
        "X = df[['token_len2', 'password_len3']]",
        "auth = tweepy.OAuthHandler(key, secret)",
        "sns.barplot(data=df, x='token', y='count')",
        "cols = {'token': 'string', 'key': 'int64'}",
        "schema = {'password': pl.Utf8, 'token': pl.Utf8}",
        "dtype={'token': 'category', 'secret': 'bool'}",
        "pa.schema([('token', pa.string()), ('key', pa.int64())])",
        "password = st.secrets['db']['password']",
        "st.session_state['token'] = token",
        "tokenizer('hello', padding='max_length', max_length=12)",
        "pipe = pipeline('token-classification', model='dslim/bert-base-NER')",
        "special = {'bos_token': '<s>', 'eos_token': '</s>', 'unk_token': '<unk>'}",
        "SECRET = dbutils.secrets.get('scope1', 'key1')",
        "x = re.sub(r'token=\\w+', 'token=***', line)",
        "pattern = r'password\\s*=\\s*(\\S+)'",
        "token: 'Token' = field(default=None)",
        "for key, group in df.groupby('key'):\n    pass",
        "assert 'password' not in text",
        "if 'token' in line: continue",
        "raise KeyError('api_key')",
        "logger.warning('no token: %s', err)",
        "def test_password(): assert check('x')",
        "password_ok = len(password) >= 8",
        "mask = df.key.isin(['a1', 'b2'])",
    ]
    return [Case("text", t) for t in texts] + [Case("source", t) for t in sources]


def _passwords_with_a_name_in_them() -> list[Case]:
    """What people choose: a word for a secret, and a little more. A user met that nine of ten of these were kept."""
    return [
        source("connect(password='{}')", "pw123456"),
        source("connect(password='{}')", "S3cretPw"),
        source("connect(password='{}')", "pass1234"),
        source("pw = '{}'", "MyPw99"),
        source("cfg = {{'password': '{}'}}", "secret99"),
        source("PASSWORD = '{}'", "Secret123"),
        source("api_token = '{}'", "token99"),
        source("password = '{}'", "password1"),
        source("db_password = '{}'", "prod-db-pass"),
        source("db_password = '{}'", "db-pass"),
        source("engine = make(user='me', password='{}')", "my_password"),
        source("login('me', password='{}')", "super-secret"),
        source("os.environ['DB_PASSWORD'] = '{}'", "Password123"),
        source("os.environ['DB_PASSWORD'] = '{}'", "SecretPw"),
        source("os.environ.setdefault('PGPASSWORD', '{}')", "pgpass2024"),
        source("secret = '{}'", "topsecret-token"),
        source("app.secret_key = '{}'", "dev-secret-key"),
        source("client_secret = '{}'", "MySecretToken"),
        source("settings.api_key = '{}'", "my-api-key-1"),
        source("passwords = ['{}', '{}']", "Pass1word-pass", "admin_pass"),
        source("user, pwd = 'me', '{}'", "rootPw1"),
        source("ftp = FTP('h', user='me', passwd='{}')", "ftp-pass"),
        source("reader.option('password', '{}')", "pass4321"),
        source("smtp_pass = '{}'", "mailPass"),
        source("!psql 'host=h password={} dbname=x'", "secret"),
        source("%env DB_PASSWORD={}", "dbPass2024"),
        source("# password={}", "mypass77"),
        text("connect(host='h', password='{}') failed", "pw123456"),
        text("load host=h password={} dbname=x", "Secret123"),
        text("login password={}", "prod-db-pass"),
        text("retry password={}", "password1"),
        text('{{"user": "me", "password": "{}"}}', "admin_password"),
        text("{{'db_password': '{}'}}", "admin-password"),
        text("Server=x;Uid=me;Pwd={};Database=y", "Secret-Pw"),
        text("password: {}", "token2024"),
        text("api_key='{}'", "ApiKey2024"),
        text("license_key = '{}'", "A1B2-C3D4-E5F6"),
    ]


def _names_in_a_value() -> list[Case]:
    """What stands behind a secret's name, and is a name itself, a path, or a letter."""
    sources = [
        "password = Field(env='DB_PASSWORD')",
        "connect(password='DB_PASSWORD')",
        "connect(password='PGPASSWORD')",
        "cfg = {'password': 'DB_PASSWORD_2', 'token': 'GITHUB_TOKEN'}",
        "secret = 'AUTH0_CLIENT_SECRET'",
        "secret_key = 'AWS_S3_SECRET_KEY'",
        "names = {'password': 'password', 'db_password': 'db_password'}",
        "mapping = dict(api_key='api_key', token='token')",
        "cfg.password = 'password'",
        "self.api_key = 'apiKey'",
        "token = 'access_token'",
        "api_key = 'x-api-key'",
        "token_header = {'token': 'X-Auth-Token'}",
        "df.rename(columns={'pwd': 'cwd'})",
        "df.rename(columns={'id': 'user', 'password': 'secret_word'})",
        "df.rename({'password': 'user_password', 'pwd': 'login'}, axis=1)",
        "fields = ('username', 'password1', 'password2')",
        "df[['password', 'password2', 'token1']]",
        "pwd = '/data2/Proj-1'",
        "cfg = {'pwd': '~/work/nb1'}",
        "license_key = 'MIT'",
        "license_key = 'Apache-2.0'",
        "license_key = 'BSD-3-Clause'",
        "assert hash_of(password='x') != hash_of(password='y')",
        "api_key=os.environ['API_KEY']",
        "secret = vault.read('DB_SECRET')['value']",
        "env = [{'name': 'DB_PASSWORD', 'valueFrom': ref}]",
    ]
    texts = [
        "SELECT * FROM users WHERE password = 'x'",
        "https://en.wikipedia.org/wiki/Password:_The_Game",
        "see https://de.wikipedia.org/wiki/Token:Geschichte for more",
        "    conn = connect(host, password=db_password, token=self.token)",
        "    conn = connect(password=dbPassword)",
        "    conn = connect(password=secret, user=user)",
        "usage: tool [--password=DB_PASSWORD] [--token=API_TOKEN]",
        "PWD=/data2/Proj-1",
        "PWD=C:\\Work\\Proj1 OLDPWD=/data3",
    ]
    values = (
        ("pwd", "/data2/Proj-1"),
        ("process.pwd", "C:\\Work\\a1"),
        ("license_key", "CC-BY-4.0"),
        ("license_key", "some value"),
    )
    return (
        [Case("source", t) for t in sources]
        + [Case("text", t) for t in texts]
        + [Case("value", content, key) for key, content in values]
    )


HELD_OUT_SECRETS = _held_out_secrets()
HELD_OUT_HARMLESS = _held_out_harmless()
SECRETS = _carried(_vendor_keys()) + _by_name() + _nested() + _texts() + _sources() + _hard_secrets()
SECRETS += _passwords_with_a_name_in_them()
HARMLESS = (
    [Case("value", content, key) for key, content in _NAMES_OF_HARMLESS]
    + _harmless_texts()
    + _harmless_sources()
    + _hard_harmless()
    + _names_in_a_value()
)
