<?php

declare(strict_types=1);

/** Texts in Base64(AES-128-CBC, PKCS#7), key and initial vector the secret's first 16 bytes, by OpenSSL. */
final class Sealed
{
    private const SECRET = 'sim-vahan-secret-01';

    public static function seal(string $plain): string
    {
        return openssl_encrypt($plain, 'aes-128-cbc', self::key(), 0, self::key());
    }

    public static function open(string $sealed): string
    {
        $plain = openssl_decrypt($sealed, 'aes-128-cbc', self::key(), 0, self::key());
        if ($plain === false) {
            throw new SoapFault('Client', 'arg1 does not decrypt');
        }
        return $plain;
    }

    private static function key(): string
    {
        return str_pad(substr(self::SECRET, 0, 16), 16, "\0");
    }
}

final class VehicleRegister
{
    private const RECORD = [
        'stautsMessage' => 'OK', 'rc_regn_no' => '', 'rc_regn_dt' => '03-Feb-2019', 'rc_owner_sr' => '1',
        'rc_owner_name' => 'ପରୀକ୍ଷା ନାଗରିକ', 'rc_f_name' => 'NA',
        'rc_present_address' => 'ପ୍ଲଟ ୧, ଡେମୋ କଲୋନୀ, ଭୁବନେଶ୍ୱର & <ଓଡ଼ିଶା>', 'rc_vh_class_desc' => 'Motor Car',
        'rc_chasi_no' => '', 'rc_eng_no' => '', 'rc_maker_desc' => 'DEMO MOTORS', 'rc_maker_model' => 'MODEL ZERO',
        'rc_fuel_desc' => 'PETROL', 'rc_regn_upto' => '02-Feb-2034', 'rc_tax_upto' => 'LTT',
        'rc_status' => 'ACTIVE', 'rc_status_as_on' => '03-Feb-2026 05:02:62604',
    ];

    public function getDetails(object $asked): array
    {
        $plate = $asked->arg1;
        misbehave($plate);
        if ($plate === 'OD99ZZ0101') {
            return ['return' => Sealed::seal('Vehicle Details not Found')];
        }
        $tail = str_pad(substr($plate, -4), 5, '0', STR_PAD_LEFT);
        $own = ['rc_regn_no' => $plate, 'rc_chasi_no' => "SIMCH{$plate}{$tail}", 'rc_eng_no' => "SIMEN{$plate}"];
        $record = written(['VehicleDetails' => array_merge(self::RECORD, $own)]);
        return ['return' => Sealed::seal('<?xml version="1.0" encoding="UTF-8"?>' . $record)];
    }

    public function parseCurrentDateToString(): array
    {
        return ['return' => stamp()];
    }
}

final class TransportOffice
{
    public function __construct(private readonly Ledger $ledger)
    {
    }

    public function submitApplication(object $asked): array
    {
        $request = Sealed::open($asked->arg1);
        $reference = told($request, 'clientRef');
        $known = $this->ledger->rows('applications', fn ($row) => $row['clientRef'] === $reference);
        if ($known !== [] && $known[0]['content'] !== hash('sha256', $request)) {
            return $this->result(['code' => '409']);
        }
        if ($known === [] && told($request, 'chassisLast5') === '99999') {
            return $this->result(['code' => '102']);
        }
        $row = $known[0] ?? $this->taken($request, $reference);
        misbehave($known === [] ? $row['mobile'] : '');
        $told = ['applicationNo' => $row['applicationNo'], 'feeAmount' => '550.00', 'receivedOn' => $row['receivedOn']];
        return $this->result(['code' => '0'] + $told);
    }

    public function findApplication(object $asked): array
    {
        $reference = told(Sealed::open($asked->arg1), 'clientRef');
        $rows = array_map(
            fn ($row) => array_diff_key($row, ['content' => 0, 'mobile' => 0]) + ['statusCode' => 'CON'],
            $this->ledger->rows('applications', fn ($row) => $row['clientRef'] === $reference)
        );
        return $this->result(['code' => '0', 'application' => $rows]);
    }

    public function getApplicationStatus(object $asked): array
    {
        $request = Sealed::open($asked->arg1);
        $number = told($request, 'applicationNo');
        misbehave($number);
        $own = fn ($row) => $row['applicationNo'] === $number && $row['mobile'] === told($request, 'mobile');
        if ($this->ledger->rows('applications', $own) === []) {
            return $this->result(['code' => '301']);
        }
        return $this->result([
            'code' => '0', 'applicationNo' => $number, 'statusCode' => 'CON', 'statusText' => 'Pending for consent',
            'lastActionOn' => stamp(), 'remarks' => 'ସମ୍ମତି ଅପେକ୍ଷାରେ', 'office' => 'OD-02',
        ]);
    }

    private function taken(string $request, string $reference): array
    {
        $row = [
            'applicationNo' => sprintf('OD26A%010d', $this->ledger->count('applications') + 1),
            'clientRef' => $reference, 'serviceCode' => told($request, 'serviceCode'), 'receivedOn' => stamp(),
            'mobile' => told($request, 'mobile'), 'content' => hash('sha256', $request),
        ];
        $this->ledger->add('applications', $row);
        return $row;
    }

    private function result(array $fields): array
    {
        return ['return' => Sealed::seal(written(['Result' => $fields]))];
    }
}
