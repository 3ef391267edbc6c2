"""As much of curl as the documentation's examples use, for machines that have none: `-s -X -H -d -w URL`."""

import argparse
import sys
import urllib.error
import urllib.request


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("-w", dest="write", default="")
    asked = parser.parse_args()
    body = asked.data.encode() if asked.data is not None else None
    headers = dict(header.split(": ", 1) for header in asked.headers)
    request = urllib.request.Request(asked.url, body, headers, method=asked.method)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as refusal:
        answer = refusal
    with answer:
        sys.stdout.write(answer.read().decode())
        sys.stdout.write(asked.write.replace("%{http_code}", str(answer.status)))


main()
