# The same answers as app.py, for puma.
TEXT = "hello " * 400
run lambda { |environment|
  body = environment["rack.input"].read
  plain = { "content-type" => "text/plain" }
  case environment["PATH_INFO"]
  when "/echo" then [200, plain.merge("content-length" => body.bytesize.to_s), [body]]
  when "/chunked" then [200, plain, ["one ", "two ", body]]
  when "/empty" then [204, {}, []]
  when "/moved" then [302, { "location" => "/page.txt" }, []]
  when "/large"
    many = (0...70).to_h { |number| ["x-many-#{number}", "a" * 1000] }
    [200, many.merge("content-length" => "2"), ["ok"]]
  when "/page.txt"
    tagged = plain.merge("etag" => '"one"')
    environment["HTTP_IF_NONE_MATCH"] == '"one"' ? [304, tagged, []] : [200, tagged, [TEXT]]
  else [404, {}, []]
  end
}
