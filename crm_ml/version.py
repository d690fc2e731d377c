"""The version of the package, which nobody needs the package itself to know."""

VERSION = "0.14.0"
