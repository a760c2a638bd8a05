#include "http/admin_client.hpp"

#include <httplib.h>

#include "http/local_client.hpp"

namespace cleave::http {

ProbeAnswer ask_admin(const AdminRequest& request) {
  httplib::Client client = local_client(request.listen);
  client.set_connection_timeout(1);
  client.set_read_timeout(kChangeSeconds);
  httplib::Headers headers{{"Host", "localhost"}};
  if (!request.token.empty()) headers.emplace("Authorization", "Bearer " + request.token);
  const auto ask = [&] {
    if (request.method == "PUT") {
      return client.Put(request.path, headers, request.body, "application/json");
    }
    if (request.method == "POST") {
      return client.Post(request.path, headers, request.body, "application/json");
    }
    return client.Get(request.path, headers);
  };
  const httplib::Result result = ask();
  if (!result) return {};
  return {result->status, result->body};
}

}  // namespace cleave::http
