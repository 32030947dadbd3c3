<?php // The same answers as app.py, from PHP's own server: `php -S 127.0.0.1:PORT index.php`.
$body = file_get_contents('php://input');
$text = str_repeat('hello ', 400);
header('Content-Type: text/plain');
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/echo':
        echo $body;
        break;
    case '/chunked':
        foreach (['one ', 'two ', $body] as $part) {
            echo $part;
            flush();
        }
        break;
    case '/empty':
        http_response_code(204);
        break;
    case '/moved':
        header('Location: /page.txt', true, 302);
        break;
    case '/large':
        for ($number = 0; $number < 70; $number++) {
            header("X-Many-$number: " . str_repeat('a', 1000));
        }
        echo 'ok';
        break;
    case '/page.txt':
        header('ETag: "one"');
        if (($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') === '"one"') {
            http_response_code(304);
        } else {
            echo $text;
        }
        break;
    default:
        http_response_code(404);
}
