<?php // The published interface ($WSDL), served by PHP's SoapServer. What it understood of each request is a line of $HEARD; what it
// answers stands in $ANSWERS, by operation.
class Operations
{
    public function __call(string $op, array $args)
    {
        if (isset($args[0]->receiptDocument)) { // SoapServer decodes xs:base64Binary itself
            $args[0]->receiptDocument->receiptData = base64_encode($args[0]->receiptDocument->receiptData);
        }
        file_put_contents(getenv('HEARD'), json_encode(['op' => $op, 'args' => $args[0]], JSON_THROW_ON_ERROR) . "\n", FILE_APPEND);
        $answer = json_decode(file_get_contents(getenv('ANSWERS')), true, 32, JSON_THROW_ON_ERROR)[$op];
        if (isset($answer['fault'])) {
            throw new SoapFault('Server', $answer['fault']);
        }
        if (isset($answer['report'])) { // and encodes it
            $answer['report']['content'] = base64_decode($answer['report']['content']);
        }
        return ['return' => $answer];
    }
}
$server = new SoapServer(getenv('WSDL'), ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new Operations());
$server->handle();
