"""Reads a mail as a mail program does: mail_message.py FILE. Prints {to, subject, parts: [{type, file, text}], longest line}."""

import email
import email.policy
import json
import sys

with open(sys.argv[1], "rb") as file:
    raw = file.read()
message = email.message_from_bytes(raw, policy=email.policy.default)
assert not message.defects, message.defects
parts = [
    {"type": part.get_content_type(), "file": part.get_filename(), "text": part.get_content()}
    for part in message.iter_parts()
]
print(json.dumps({"to": message["To"], "subject": message["Subject"], "parts": parts, "longest": max(map(len, raw.split(b"\n")))}))
