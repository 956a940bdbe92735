<?php

/**
 * Two government services as a third party's SOAP server speaks them: PHP's SoapServer over our packaged WSDLs.
 *
 * `php -S 127.0.0.1:PORT router.php`. PEER_WSDLS: the folder of drivers (its rto/vahan and police/cctns hold the
 * contracts). PEER_LEDGER: a file, for PHP forgets everything between two requests. It shares libxml2 with the
 * aggregator and nothing else.
 */

declare(strict_types=1);

require __DIR__ . '/ledger.php';
require __DIR__ . '/transport_office.php';
require __DIR__ . '/police.php';

ini_set('html_errors', '1');

$services = [
    '/vahanws/VahanInfo' => ['rto/vahan/VahanInfo.wsdl', 'VehicleRegister'],
    '/vahanws/VahanApplication' => ['rto/vahan/VahanApplication.wsdl', 'TransportOffice'],
    '/CitizenService/CitizenService.asmx' => ['police/cctns/CitizenService.wsdl', 'Police'],
];
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (!isset($services[$path])) {
    http_response_code(404);
    exit('no such service');
}
[$contract, $class] = $services[$path];
$server = new SoapServer(getenv('PEER_WSDLS') . '/' . $contract, ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new $class(new Ledger(getenv('PEER_LEDGER'))));
$server->handle();
