"""A build backend without requirements: every .py file under src/ goes into the wheel, deflated."""
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "shared-1.0-py3-none-any.whl"
    info = "shared-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in sorted(pathlib.Path().glob("shared.py")):
            if path.is_file() and path.suffix != ".pyc":
                wheel.write(path, path.as_posix())
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: shared\nVersion: 1.0\n")
        wheel.writestr(
            info + "/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(info + "/RECORD", "")
    return name
