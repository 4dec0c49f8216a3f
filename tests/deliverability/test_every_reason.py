"""Each word of the vocabulary is said by the checks, and a test hears it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HOUSE = HERE.parents[1] / "portal/deliverability"
REASONS = [
    "from_domain_ok",
    "from_domain_nxdomain",
    "from_domain_no_mail_records",
    "spf_ok",
    "spf_not_required",
    "spf_missing",
    "spf_return_path_missing",
    "spf_multiple_records",
    "spf_syntax_error",
    "spf_provider_not_authorised",
    "spf_relay_ip_not_authorised",
    "spf_too_many_lookups",
    "spf_lookups_near_limit",
    "spf_too_many_void_lookups",
    "spf_void_lookups",
    "spf_loop",
    "spf_include_no_record",
    "spf_redirect_no_record",
    "spf_plus_all",
    "spf_neutral_all",
    "spf_no_all",
    "spf_ptr_mechanism",
    "spf_unreachable_terms",
    "spf_large",
    "dkim_ok",
    "dkim_selector_unknown",
    "dkim_missing",
    "dkim_name_doubled",
    "dkim_not_a_key",
    "dkim_cname_dangling",
    "dkim_cname_wrong_target",
    "dkim_partial",
    "dkim_revoked",
    "dkim_key_too_short",
    "dkim_key_weak",
    "dkim_invalid_key",
    "dkim_syntax_error",
    "dkim_wrong_version",
    "dkim_sha1_only",
    "dkim_service_type",
    "dkim_test_mode",
    "dkim_multiple_records",
    "dmarc_ok",
    "dmarc_inherited",
    "dmarc_missing",
    "dmarc_record_at_wrong_name",
    "dmarc_name_doubled",
    "dmarc_invalid_version",
    "dmarc_multiple_records",
    "dmarc_syntax_error",
    "dmarc_invalid_policy",
    "dmarc_policy_none",
    "dmarc_subdomain_policy_none",
    "dmarc_test_mode",
    "dmarc_pct_partial",
    "dmarc_no_rua",
    "dmarc_rua_invalid",
    "dmarc_rua_not_mailto",
    "dmarc_rua_external_unauthorised",
    "dmarc_strict_alignment",
    "dmarc_not_aligned",
    "mx_ok",
    "mx_null",
    "mx_missing_implicit_a",
    "mx_missing",
    "mx_points_to_ip",
    "mx_target_unresolvable",
    "mx_points_to_cname",
    "ptr_ok",
    "ptr_missing",
    "ptr_not_forward_confirmed",
    "ptr_generic",
    "mta_sts_ok",
    "mta_sts_testing",
    "mta_sts_mode_none",
    "mta_sts_absent",
    "mta_sts_policy_unreachable",
    "mta_sts_redirect",
    "mta_sts_mx_mismatch",
    "mta_sts_multiple_records",
    "tls_rpt_ok",
    "tls_rpt_absent",
    "tls_rpt_syntax",
    "tls_rpt_multiple_records",
    "dane_ok",
    "dane_absent",
    "dane_without_dnssec",
    "dane_mismatch",
    "bimi_ok",
    "bimi_absent",
    "bimi_needs_enforcement",
    "dnssec_signed",
    "dnssec_unsigned",
    "dnssec_bogus",
    "blocklist_clean",
    "blocklist_listed",
    "blocklist_query_refused",
    "dns_timeout",
    "dns_servfail",
    "dns_refused",
]
TESTS = "".join(
    path.read_text()
    for path in sorted([*HERE.glob("test_*.py"), *HERE.glob("scenarios/*.toml")])
    if path.name != Path(__file__).name
)
CHECKS = "".join(path.read_text() for path in sorted(HOUSE.rglob("*.py")))
MADE_OF_TWO = {
    "spf_include_no_record": 'f"spf_{which}_no_record"',
    "spf_redirect_no_record": 'f"spf_{which}_no_record"',
    "mta_sts_testing": 'f"mta_sts_{word}"',
    "mta_sts_mode_none": 'f"mta_sts_{word}"',
    "dns_timeout": 'f"dns_{answered.value}"',
    "dns_servfail": 'f"dns_{answered.value}"',
    "dns_refused": 'f"dns_{answered.value}"',
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_given_and_tested(reason):
    assert re.search(rf"\b{reason}\b", TESTS)
    assert f'"{reason}"' in CHECKS or MADE_OF_TWO[reason] in CHECKS


def test_no_check_gives_a_reason_that_nobody_knows():
    families = "from_domain|spf|dkim|dmarc|mx|ptr|mta_sts|tls_rpt|dane|bimi|dnssec"
    given = set(re.findall(rf'"((?:{families}|blocklist)_[a-z0-9_]+)"', CHECKS))

    others = {"mx_addresses"}
    assert given - set(REASONS) - others == set()
