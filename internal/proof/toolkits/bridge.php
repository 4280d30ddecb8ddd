<?php // bridge.php WSDL-URL: calls what the lines on standard input say, with PHP's SoapClient.
$client = new SoapClient($argv[1], ['cache_wsdl' => WSDL_CACHE_NONE, 'exceptions' => true]);
while (($line = fgets(STDIN)) !== false) {
    $call = json_decode($line, true, 32, JSON_THROW_ON_ERROR);
    $args = $call['args'];
    if (isset($args['receiptDocument'])) { // SoapClient encodes xs:base64Binary itself
        $args['receiptDocument']['receiptData'] = base64_decode($args['receiptDocument']['receiptData']);
    }
    try {
        $answer = ['return' => $client->__soapCall($call['op'], [$args])->return];
    } catch (SoapFault $e) {
        $answer = [str_starts_with($e->faultcode, 'SOAP-ENV') || $e->faultcode === 'HTTP' ? 'error' : 'fault' => $e->getMessage()];
    }
    echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR), "\n";
}
