"""Other people's service descriptions: each loads, or is refused with file, line and the true reason.

The files are not part of this repository (their licences are not ours); they lie beside it where they are present.
"""

from pathlib import Path

import pytest
from engines import missing

from aggregator.sdk.wsdl import load
from aggregator.sdk.wsdl_check import WsdlRefused

HERE = Path(__file__).resolve().parents[3].parent / "shared" / "specs" / "wsdl"
CCN2 = "hmrc-ccn2-ics/CCN2.Service.Customs.Default.ICS.RiskAnalysisOrchestrationBAS_1.0.0_"

LOADED = {
    "ours/VahanInfo.wsdl": [("1.1", 4)],
    "ours/VahanApplication.wsdl": [("1.1", 9)],
    "ours/CitizenService.wsdl": [("1.1", 11), ("1.2", 11)],
    f"{CCN2}CCN2_1.0.0.wsdl": [("1.2", 6)],
    "us-hhs-connect/ConfigurationServiceImplService.wsdl": [("1.1", 86)],
    "br-sefaz-nfe/nfeautorizacao4.wsdl": [("1.1", 2), ("1.2", 2)],
    "br-sefaz-nfe/nfestatusservico4.wsdl": [("1.1", 1), ("1.2", 1)],
    "br-sefaz-nfe/nfeconsulta4.wsdl": [("1.1", 1), ("1.2", 1)],
    "onvif-soap12/devicemgmt.wsdl": [("1.2", 82)],
    "onvif-soap12/events.wsdl": [("1.2", 3), ("1.2", 3)],
    "onvif-soap12/accesscontrol.wsdl": [("1.2", 9)],
    "onvif-soap12/imaging.wsdl": [("1.2", 8)],
    "onvif-soap12/replay.wsdl": [("1.2", 4)],
    "node-soap-hard/multi-service.wsdl": [("1.1", 1), ("1.1", 1), ("1.1", 1)],
}

OUTSIDE = r"import .*outside the package"
NO_PORT = r"no service with a usable port"
REFUSED = {
    f"{CCN2}1.0.0.wsdl": (0, NO_PORT),
    "hmrc-ccn2-ics/CCN2.Service.Platform.SecurityPolicies.wsdl": (0, NO_PORT),
    "xroad-xrd4j/mtomservice.wsdl": (7, OUTSIDE),
    "xroad-xrd4j/example-adapter.wsdl": (12, OUTSIDE),
    "us-hhs-connect/ConfigurationService.wsdl": (0, NO_PORT),
    "us-hhs-connect/DirectReceiver.wsdl": (12, OUTSIDE),
    "us-hhs-connect/NhinUddiAPIV3.wsdl": (18, OUTSIDE),
    "br-sefaz-nfe/cadconsultacadastro4.wsdl": (61, r"HTML page"),
    "onvif-soap12/bw-2.wsdl": (0, NO_PORT),
    "onvif-soap12/rw-2.wsdl": (0, NO_PORT),
    "onvif-soap12/advancedsecurity.wsdl": (
        0,
        NO_PORT + r".*AdvancedSecurityServiceBinding, KeystoreBinding, TLSServerBinding",
    ),
    "onvif-soap12/recording.wsdl": (930, r"port RecordingPort names unknown binding trc:DeviceBinding"),
    "onvif-soap12/remotediscovery.wsdl": (63, OUTSIDE),
    "node-soap-hard/EVacSyncService_SPClient.wsdl": (0, OUTSIDE),
    "node-soap-hard/binding-exception.wsdl": (8, r"undeclared prefix 'wsdlt'"),
    "node-soap-hard/recursive2.wsdl": (145, r"undefined message AddAttributeSecureHeader"),
    "node-soap-hard/ws-policy.wsdl": (6, r"undeclared prefix.*wsu"),
}


@pytest.fixture(scope="module")
def folder():
    if not HERE.is_dir():
        missing("the foreign service descriptions are not beside this repository (../shared/specs/wsdl)")
    return HERE


def test_every_description_in_the_folder_has_its_row(folder):
    there = {str(path.relative_to(folder)) for path in folder.glob("*/*.wsdl")}
    assert there == set(LOADED) | set(REFUSED)


@pytest.mark.parametrize("name", sorted(LOADED))
def test_a_usable_description_loads_with_its_ports_and_operations(folder, name):
    described = load(folder / name)
    assert [(port.version, len(port.operations)) for port in described.ports] == LOADED[name]


def test_policies_the_codec_ignores_are_listed_for_a_person(folder):
    needs = load(folder / f"{CCN2}CCN2_1.0.0.wsdl").needs_configuration
    assert any("x509" in each for each in needs)
    assert len(needs) < 10


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_zp21_an_unusable_description_is_refused_with_file_line_and_reason(folder, name):
    line, reason = REFUSED[name]
    with pytest.raises(WsdlRefused, match=reason) as caught:
        load(folder / name)
    assert caught.value.line == line
    assert caught.value.file.endswith((".wsdl", ".xsd"))
