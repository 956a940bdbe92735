<?php

declare(strict_types=1);

/** SOAP 1.1 and 1.2 on one address; the WS-Security header is read by SoapServer before the operation runs. */
final class Police
{
    private const SCHEMA = '<xs:schema id="NewDataSet" xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        . '<xs:import namespace="urn:nobody" schemaLocation="http://127.0.0.1:9/never.xsd"/></xs:schema>';

    private bool $known = false;

    public function __construct(private readonly Ledger $ledger)
    {
    }

    /** mustUnderstand: without a method of the header's name SoapServer would turn the call away by itself. */
    public function Security(object $header): void
    {
        $token = $header->UsernameToken;
        $seen = $this->ledger->rows('nonces', fn ($row) => $row['nonce'] === $token->Nonce) !== [];
        $this->ledger->add('nonces', ['nonce' => $token->Nonce]);
        if ($seen) {
            throw new SoapFault('wsse:InvalidSecurityToken', 'the token was seen before');
        }
        $secret = 'sim-police-password';
        $digest = base64_encode(sha1(base64_decode($token->Nonce) . $token->Created . $secret, true));
        $fresh = abs(time() - strtotime($token->Created)) < 300;
        $this->known = $fresh && $token->Username === 'sim-police' && in_array($token->Password, [$secret, $digest], true);
    }

    public function SubmitServiceRequest(object $asked): array
    {
        $this->admit();
        $mobile = told($asked->ApplicantXml, 'Mobile');
        if (told($asked->ApplicantXml, 'PoliceStationCode') === '9801') {
            return ['SubmitServiceRequestResult' => ['ResultCode' => '14', 'ResultMessage' => 'Not of this district']];
        }
        if ($mobile === '9000000709') {
            throw new SoapFault('Client', 'The request was not accepted.', null, (object) ['code' => 'CS-12']);
        }
        $row = [
            'SRN' => sprintf('OP26%s%07d', $asked->ServiceCode, $this->ledger->count('requests') + 1),
            'SERVICE_CD' => $asked->ServiceCode, 'CLIENT_REF' => $asked->ClientRefNo, 'MOBILE' => $mobile,
            'REMARKS' => told($asked->ApplicantXml, 'ApplicantName') . ', ' . told($asked->ApplicantXml, 'Line1'), 'LAST_ACTION_DT' => stamp(),
        ];
        $this->ledger->add('requests', $row);
        misbehave($mobile);
        return ['SubmitServiceRequestResult' => [
            'ResultCode' => '0', 'ResultMessage' => 'Success', 'ServiceRequestNo' => $row['SRN'],
            'ClientRefNo' => $row['CLIENT_REF'], 'FeeAmount' => '100.00', 'ReceivedOn' => $row['LAST_ACTION_DT'],
        ]];
    }

    public function GetServiceRequestStatus(object $asked): array
    {
        $this->admit();
        misbehave($asked->ServiceRequestNo);
        $rows = $this->ledger->rows('requests', fn ($row) => $row['SRN'] === $asked->ServiceRequestNo);
        if ($rows === []) {
            $rows = [['ERROR_CD' => '21', 'ERROR_DESC' => 'Service request not found']];
        } elseif ($rows[0]['MOBILE'] !== $asked->MobileNo) {
            $rows = [['ERROR_CD' => '13', 'ERROR_DESC' => 'Mobile number does not match']];
        } else {
            $rows = [$this->shown($rows[0])];
        }
        return ['GetServiceRequestStatusResult' => $this->dataSet($rows)];
    }

    public function SearchServiceRequest(object $asked): array
    {
        $this->admit();
        $wanted = fn ($row) => $row['CLIENT_REF'] === ($asked->ClientRefNo ?? $row['CLIENT_REF']);
        $rows = $asked->PageNo > 1 ? [] : array_map($this->shown(...), $this->ledger->rows('requests', $wanted));
        return ['SearchServiceRequestResult' => $this->dataSet($rows)];
    }

    private function admit(): void
    {
        if (!$this->known) {
            throw new SoapFault('wsse:FailedAuthentication', 'The security token could not be authenticated');
        }
    }

    private function shown(array $row): array
    {
        return array_diff_key($row, ['MOBILE' => 0]) + [
            'STATUS_CD' => '01', 'STATUS_DESC' => 'Submitted', 'PS_NAME' => 'ଡେମୋ ଥାନା', 'DISTRICT' => 'ଖୋର୍ଦ୍ଧା',
        ];
    }

    /** A DataSet: SoapServer takes the places of s:schema and s:any as raw XML. */
    private function dataSet(array $rows): array
    {
        $tables = '';
        foreach ($rows as $place => $row) {
            $tables .= "<Table diffgr:id=\"Table{$place}\" msdata:rowOrder=\"{$place}\">" . written($row) . '</Table>';
        }
        $content = $tables === '' ? '' : "<NewDataSet xmlns=\"\">{$tables}</NewDataSet>";
        $diffgram = '<diffgr:diffgram xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"'
            . " xmlns:diffgr=\"urn:schemas-microsoft-com:xml-diffgram-v1\">{$content}</diffgr:diffgram>";
        return ['schema' => new SoapVar(self::SCHEMA, XSD_ANYXML), 'any' => $diffgram];
    }
}
