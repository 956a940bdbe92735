<?php

declare(strict_types=1);

/** What the peer remembers: rows by table, in one JSON file behind a lock. */
final class Ledger
{
    public function __construct(private readonly string $file)
    {
    }

    /** @return list<array<string, string>> */
    public function rows(string $table, callable $wanted): array
    {
        return array_values(array_filter($this->all()[$table] ?? [], $wanted));
    }

    /** @param array<string, string> $row */
    public function add(string $table, array $row): void
    {
        $handle = fopen($this->file, 'c+');
        flock($handle, LOCK_EX);
        $all = json_decode(stream_get_contents($handle) ?: '{}', true);
        $all[$table][] = $row;
        ftruncate($handle, 0);
        rewind($handle);
        fwrite($handle, json_encode($all, JSON_UNESCAPED_UNICODE));
        fclose($handle);
    }

    public function count(string $table): int
    {
        return count($this->all()[$table] ?? []);
    }

    private function all(): array
    {
        return is_file($this->file) ? json_decode(file_get_contents($this->file) ?: '{}', true) : [];
    }
}

/** The text of the first element of that name; empty where there is none. Debian's PHP has no XML reader unasked. */
function told(string $xml, string $name): string
{
    $found = preg_match("~<{$name}>([^<]*)</{$name}>~u", $xml, $match) === 1 ? $match[1] : '';
    return html_entity_decode($found, ENT_QUOTES | ENT_XML1, 'UTF-8');
}

/** @param array<string, string|array<string, string>|list<array<string, string>>> $fields */
function written(array $fields): string
{
    $xml = '';
    foreach ($fields as $name => $value) {
        foreach (is_array($value) && array_is_list($value) ? $value : [$value] as $one) {
            $inner = is_array($one) ? written($one) : htmlspecialchars($one, ENT_XML1, 'UTF-8');
            $xml .= "<{$name}>{$inner}</{$name}>";
        }
    }
    return $xml;
}

function stamp(): string
{
    return (new DateTimeImmutable('now', new DateTimeZone('Asia/Kolkata')))->format('d/m/Y H:i:s');
}

/**
 * What PHP does to a client for free, asked for by the last three digits of an identifier, as in our simulators:
 * 501 an exception nobody catches (status 500, text/html), 204 an early exit (status 200, empty, text/html),
 * 506 a Fault. Whoever calls this has acted already.
 */
function misbehave(string $identifier): void
{
    switch (preg_match('~(?:OD99ZZ0|9000000|OD99A0000000|OP99EMV0000)(\d{3})$~', $identifier, $match) ? $match[1] : '') {
        case '501':
            throw new RuntimeException('SQLSTATE[HY000]: no connection for ' . $identifier);
        case '204':
            exit;
        case '506':
            throw new SoapFault('Server', 'Internal error at line 12 for ' . $identifier);
    }
}
