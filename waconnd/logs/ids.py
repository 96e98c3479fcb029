"""One number for each notable event, for ever: readers of the journal filter by it, its catalog explains it."""

from __future__ import annotations

from typing import Final

MESSAGE_IDS: Final = {
    "daemon.started": "40cc56a9fb445cc0bd4a5c37d2bb9db5",
    "daemon.draining": "ac44ab00604555a69955a8f71cffedf2",
    "daemon.config_changed": "e58a04adbb865496b30f97c6d0a55140",
    "daemon.disk_low": "d12ad919017353ed90dee1d4da5c9adc",
    "account.state": "7ab53169e8f156868f9dc54186012e4c",
    "account.linked": "7a8bfd285a9e591fa1f753d6cb3ebd4c",
    "account.logged_out": "0eb45426391e5075aa90e4f2b0a0a5c2",
    "account.conflict": "14ca395a0a5a5bbab004829a60af41f1",
    "account.limited": "5975e94b5280564593f731c295fdc596",
    "account.client_outdated": "2f8429a47c0758b1bb3411ad87397a3b",
    "account.auth_damaged": "ea02943cf4865dfa8d7814070dee6931",
    "pair.expired": "529f17aa8da752bf8918457768ce1f81",
    "pair.failed": "25f0e3fa9c915bbcbe7f39c6ee9091e0",
    "connection.deaf": "1249152a416954b6aef0edc66ac37438",
    "message.undecryptable": "fd08c9bbcbf35f66bdf7419b33a21d4b",
    "hook.dead": "0c80990b30d05cc187ec025e534a6a59",
    "peer.denied": "364b7a147e8e52febaeef13c0ce40c65",
    "account.refused": "6a4f1d8e0b7c4d6f9c21e7f0a9b3c5d2",
    "account.phone_unseen": "b3e8d92f5c614f8aa07d4e61c2f9058b",
    "store.restored": "9d27c4b1e6f04a5d8b3f7a0e5c1d6f42",
    "store.corrupt": "5fee5acfa3d155d398b077baf34c3b9f",
}
