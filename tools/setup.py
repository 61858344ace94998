"""Make .venv ready for the jobs and the tests: packages, jars, an archive for a faster JVM start.

`make` calls this before everything else; only what changed since the last time is done again.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "setup"
LOCK = ROOT / "requirements.lock"
WARM_UP = ROOT / "tools" / "warm_up.py"
LOCAL_CONF = ROOT / "conf" / "spark" / "local.conf"
ARCHIVE = VENV / "spark.jsa"

JAVA_VERSIONS = ("17", "21")
INSTALL_JAVA = """\
  Debian, Ubuntu   sudo apt install openjdk-17-jre-headless   (or openjdk-21-jre-headless)
  Fedora           sudo dnf install java-21-openjdk-headless
  macOS            brew install openjdk@17 && export JAVA_HOME="$(brew --prefix openjdk@17)\""""
# where installed ones usually are
JAVA_HOMES = ("usr/lib/jvm/*", "Library/Java/JavaVirtualMachines/*/Contents/Home", "opt/homebrew/opt/openjdk@*")

# what contracts of format jdbc read a database with; not a package of Python, so its version stands here
DRIVER = "org.postgresql:postgresql:42.7.14"

# what speaks S3: the modules of Amazon's SDK that Hadoop's client uses, in the version that Hadoop was built with. Not
# the bundle of all services that it asks for: 12 MB instead of 600
AWS_SDK = "2.35.4"
AWS_MODULES = ("s3-transfer-manager", "sts", "apache-client")
NOT_WANTED_OF_AWS = (
    "commons-*:*",
    "io.netty:*",
    "org.apache.httpcomponents:*",
    "org.slf4j:*",
    "software.amazon.awssdk:bundle",
)

# pyspark ships these, mostly in newer versions; Unity Catalog is not used here. Ivy leaves out what matches even if it
# is asked for by name: so not org.p*, the driver's, of which Delta asks for nothing
NOT_WANTED = (
    "com.*:*",
    "commons*:*",
    "io.airlift:*",
    "io.delta:delta-kernel-unitycatalog",
    "io.unitycatalog:*",
    "javax.*:*",
    "org.[!p]*:*",
)


class SetupError(Exception):
    """Something that the user has to put right first."""


def main() -> int:
    """Set up, or say what is in the way."""
    try:
        java = find_java()
        with LOCK.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second `make` waits for the first
            set_up(java, lock.read())
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again: what was begun is finished then", file=sys.stderr)
        return 130
    return 0


def set_up(java: str, lock: str) -> None:
    """Do the steps in order; each is done again when its own inputs, or those of a step before it, changed."""
    pins = "".join(line for line in lock.splitlines(keepends=True) if not line.startswith("#"))
    recipe = "".join(file.read_text() for file in (Path(__file__), WARM_UP, LOCAL_CONF))
    made = once("environment", f"{VENV} {sys.version}", make_environment, "")
    made = once("packages", pins, install_packages, made)
    made = once("jars", DRIVER, fetch_jars, made)
    made = once("object storage", f"{AWS_SDK} {AWS_MODULES}", fetch_object_storage, made)
    made = once("similarity", "", copy_similarity_jar, made)
    once("archive", f"{java} {recipe} {list_jars()}", archive_classes, made)


def once(step: str, inputs: str, action: Callable[[], None], before: str) -> str:
    """Do a step unless its stamp says that it was done with these inputs; give the digest of the inputs so far."""
    digest = hashlib.sha256(f"{before}\n{inputs}".encode()).hexdigest()
    stamp = STAMPS / step
    if not (PYTHON.exists() and stamp.is_file() and stamp.read_text() == digest):
        stamp.unlink(missing_ok=True)
        action()
        STAMPS.mkdir(exist_ok=True)
        stamp.write_text(digest)
    return digest


def find_java() -> str:
    """The version and the place of the Java that Spark will start: JAVA_HOME's, or else the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    where = f"JAVA_HOME is {home}" if home else "JAVA_HOME is not set, so the java on the PATH counts"
    found = ask_java(f"{home}/bin/java" if home else "java")
    version = found.get("java.specification.version")
    if version in JAVA_VERSIONS:
        return f"{found['java.vm.version']} {found['java.home']}"
    what = f"this is Java {version}" if version else "there is none"
    raise SetupError(f"Spark needs Java {' or '.join(JAVA_VERSIONS)}, and {what} ({where}).\n{advice_on_java()}")


def ask_java(program: str) -> dict[str, str]:
    """The system properties of a Java; none where it does not run."""
    try:
        answer = run([program, "-XshowSettings:properties", "-version"])
    except OSError:
        return {}
    return dict(re.findall(r"^\s+(java\.\S+) = (.*)$", answer.stdout + answer.stderr, re.MULTILINE))


def advice_on_java() -> str:
    """How to get a Java that will do: one that is installed already, or else what to install."""
    for place in JAVA_HOMES:
        for home in sorted(Path("/").glob(place)):
            if ask_java(f"{home}/bin/java").get("java.specification.version") in JAVA_VERSIONS:
                return f"  One is installed here: export JAVA_HOME={home}"
    return INSTALL_JAVA


def make_environment() -> None:
    """An empty .venv."""
    try:
        import ensurepip  # noqa: F401 its own package on Debian
        import venv
    except ImportError as error:
        major, minor = sys.version_info[:2]
        raise SetupError(
            f"{sys.executable} cannot make a virtual environment: its module {error.name} is missing.\n"
            f"  Debian, Ubuntu   sudo apt install python3-venv   (or python{major}.{minor}-venv)"
        ) from error
    say("python environment in .venv")
    venv.create(VENV, clear=True, with_pip=True)


def install_packages() -> None:
    """What the lock file names, in exactly these versions."""
    say("packages of requirements.lock; the first time some 550 MB are fetched")
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip = [str(PYTHON), "-m", "pip", "install", *quiet, "--use-pep517", "--no-deps", "-r", str(LOCK)]
    if subprocess.run(pip, check=False).returncode:
        raise SetupError("the packages of requirements.lock could not be installed: pip says why above.")


def fetch_jars() -> None:
    """Delta's jars and the driver, put beside Spark's own: every session of this .venv finds them without a network."""
    say("Delta's jars and PostgreSQL's driver")
    delta = ask_venv(
        "from delta import configure_spark_with_delta_pip as delta; from pyspark.sql import SparkSession;"
        "print(delta(SparkSession.Builder())._options['spark.jars.packages'])"
    )
    jars = spark_home() / "jars"
    with fetched(f"{delta},{DRIVER}", NOT_WANTED) as found:
        for old in [*jars.glob("delta-*.jar"), *jars.glob("postgresql-*.jar")]:
            old.unlink()
        for jar in found:
            shutil.copyfile(jar, jars / jar.name.split("_", 1)[1])


def fetch_object_storage() -> None:
    """Hadoop's client of S3, beside Spark's own jars too."""
    say("Hadoop's client of S3")
    jars = spark_home() / "jars"
    hadoop = next(jars.glob("hadoop-client-api-*.jar")).stem.rpartition("-")[2]
    sdk = [f"software.amazon.awssdk:{module}:{AWS_SDK}" for module in AWS_MODULES]
    with fetched(",".join([f"org.apache.hadoop:hadoop-aws:{hadoop}", *sdk]), NOT_WANTED_OF_AWS) as found:
        # they keep their group in their names, such as auth and utils are of anybody
        for group in {jar.name.split("_", 1)[0] for jar in found}:
            for old in jars.glob(f"{group}_*.jar"):
                old.unlink()
        for jar in found:
            shutil.copyfile(jar, jars / jar.name)


@contextmanager
def fetched(artifacts: str, not_wanted: Iterable[str]) -> Iterator[list[Path]]:
    """Jars from Maven Central and all that they need, each named after its group and itself; gone afterwards."""
    with tempfile.TemporaryDirectory(dir=VENV) as ivy:
        script = Path(ivy, "nothing.py")
        script.write_text("")
        wanted = [
            "--packages",
            artifacts,
            "--exclude-packages",
            ",".join(not_wanted),
            "--conf",
            f"spark.jars.ivy={ivy}",
        ]
        answer = spark_submit(*wanted, str(script), jvm=java_proxy())
        found = list(Path(ivy, "jars").glob("*.jar"))
        if answer.returncode or not found:
            raise SetupError(
                f"{artifacts} could not be fetched:\n{worst_lines(answer.stdout + answer.stderr)}\n"
                "Is there a network? A proxy is taken from https_proxy; a mirror of Maven Central from\n"
                "DEFAULT_ARTIFACT_REPOSITORY. What is done already is kept: run the same command again."
            )
        yield found


def copy_similarity_jar() -> None:
    """Splink's functions for how alike texts are, from its package to Spark's own jars."""
    jar = Path(ask_venv("from splink.backends.spark import similarity_jar_location as jar; print(jar())"))
    shutil.copyfile(jar, spark_home() / "jars" / jar.name)


def worst_lines(output: str) -> str:
    """What Ivy complained about, without its chatter."""
    lines = [line.strip() for line in output.splitlines()]
    bad = [line for line in lines if re.search(r"not found|unresolved|refused|Exception|timed out|[Ee]rror", line)]
    return "\n".join(f"  {line}" for line in (bad or lines)[:12])


def archive_classes() -> None:
    """An archive of the classes that a run loads. Without it everything works, and starts some seconds later."""
    say("archive of Spark's classes for a faster start")
    ARCHIVE.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=VENV) as scratch:
        new = Path(scratch, "new.jsa")
        # -Xlog: thousands of classes that cannot be archived are no news; level 1: compiling well does not pay here
        options = f'"-XX:ArchiveClassesAtExit={new}" -XX:TieredStopAtLevel=1 -Xlog:disable'
        answer = spark_submit(
            "--properties-file", str(LOCAL_CONF), "--driver-java-options", options, str(WARM_UP), scratch
        )
        if answer.returncode or not new.is_file():
            say(f"no archive was made; starting takes longer, all else is the same:\n{worst_lines(answer.stderr)}")
        else:
            new.replace(ARCHIVE)


def java_proxy() -> str:
    """The proxy that pip takes from the environment, as Java wants it: Java does not look there."""
    proxy = urlsplit(getproxies().get("https", ""))
    options = [os.environ.get("SPARK_SUBMIT_OPTS", "")]
    if proxy.hostname:
        options += [f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port or 80}"]
    return " ".join(options)


def spark_submit(*arguments: str, jvm: str = "") -> "subprocess.CompletedProcess[str]":
    """spark-submit of this .venv, whatever other Spark the user's environment points to."""
    home = spark_home()
    program = str(home / "bin" / "spark-submit")
    return run([program, *arguments], SPARK_HOME=str(home), PYSPARK_PYTHON=str(PYTHON), SPARK_SUBMIT_OPTS=jvm)


def spark_home() -> Path:
    """The folder of pyspark, which holds all of Spark."""
    return next(VENV.glob("lib/python3*/site-packages/pyspark"))


def list_jars() -> str:
    """Name, size and time of Spark's jars: an archive made with others is refused by the JVM."""
    jars = [(jar.name, jar.stat()) for jar in sorted((spark_home() / "jars").iterdir())]
    return json.dumps([(name, stat.st_size, stat.st_mtime_ns) for name, stat in jars])


def ask_venv(program: str) -> str:
    """What a line of Python prints in .venv."""
    return run([str(PYTHON), "-c", program], check=True).stdout.strip()


def run(command: list[str], check: bool = False, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program and keep what it says."""
    foreign = ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "PYSPARK_DRIVER_PYTHON", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in foreign} | variables
    return subprocess.run(command, check=check, capture_output=True, text=True, env=environment)


def say(line: str) -> None:
    """One line per step: what takes the time."""
    print(f"setup: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
