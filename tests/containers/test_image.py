"""K6: which image is built in."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.contexts import context
from support.projects import write_files
from wherry.containers.image import Images, default_image
from wherry.errors import SettingsError
from wherry.settings.model import ContainerOptions
from wherry.store import Store
from wherry.target import RUNTIMES, Architecture, Target

TARGET = Target(runtime=RUNTIMES["python3.13"], architecture=Architecture.ARM64)


def images(root: Path, **settings: object) -> Images:
    options = ContainerOptions(**settings)  # type: ignore[arg-type]
    run = context(Store(root / "store"), target=TARGET)
    return Images(options=options, root=root, context=run)


def test_awss_by_default(tmp_path: Path) -> None:
    assert images(tmp_path).reference == "public.ecr.aws/sam/build-python3.13:latest-arm64"
    assert images(tmp_path).platform == "linux/arm64"
    x86_64 = Target(runtime=RUNTIMES["python3.9"], architecture=Architecture.X86_64)
    assert default_image(x86_64) == "public.ecr.aws/sam/build-python3.9:latest-x86_64"


def test_another(tmp_path: Path) -> None:
    other = images(tmp_path, image="mine:1", platform="linux/arm64/v8")
    assert (other.reference, other.platform) == ("mine:1", "linux/arm64/v8")


def test_one_of_a_dockerfile_is_called_after_all_that_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"build/Dockerfile": "FROM x\n", "build/note": "", "Other": "FROM x\n"})
    seen = [images(tmp_path, dockerfile="build").reference]
    assert seen[0].startswith("wherry-build:")
    assert images(tmp_path, dockerfile="build/Dockerfile").reference == seen[0]
    # Nothing is copied, so what else lies there does not count.
    write_files(tmp_path, {"build/note": "other"})
    assert images(tmp_path, dockerfile="build").reference == seen[0]
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.example:3128")
    variants: tuple[dict[str, object], ...] = (
        {"build_args": {"VERSION": "1"}},
        {"build_args": {"VERSION": "2"}},
        {"build_secrets": ("PIP_INDEX_URL",)},
        # Kept out of an image's history, and so may have a password.
        {"build_args": {"HTTPS_PROXY": True}},
    )
    seen += [images(tmp_path, dockerfile="build", **said).reference for said in variants]
    write_files(tmp_path, {"build/Dockerfile": "FROM x\nCOPY note /\n"})
    seen.append(images(tmp_path, dockerfile="build").reference)
    write_files(tmp_path, {"build/note": "once more"})
    seen.append(images(tmp_path, dockerfile="build").reference)
    (tmp_path / "build/note").chmod(0o755)
    seen.append(images(tmp_path, dockerfile="build").reference)
    assert len(set(seen)) == len(seen)


def test_no_dockerfile(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no Dockerfile `build`"):
        images(tmp_path, dockerfile="build").reference  # noqa: B018


@pytest.mark.parametrize(
    "value",
    ["https://me:s3cret@index.example/simple", "https://a.example/ https://me:p%40@b.example/"],
)
def test_a_password_among_build_arguments(tmp_path: Path, value: str) -> None:
    """A8: they stay in the image's history."""
    write_files(tmp_path, {"Dockerfile": "FROM x\n"})
    with pytest.raises(SettingsError, match="would stay in the image's history") as caught:
        images(tmp_path, dockerfile=".", build_args={"PIP_EXTRA_INDEX_URL": value}).reference  # noqa: B018
    assert "s3cret" not in str(caught.value)
