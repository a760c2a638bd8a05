#include "http/probe.hpp"

#include <httplib.h>

#include <string_view>

#include "http/local_client.hpp"

namespace cleave::http {
namespace {

constexpr int kPatienceSeconds = 1;

}  // namespace

httplib::Client local_client(const std::string& listen) {
  constexpr std::string_view kUnix = "unix:";
  if (listen.starts_with(kUnix)) {
    httplib::Client client(listen.substr(kUnix.size()));
    client.set_address_family(AF_UNIX);
    return client;
  }
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return httplib::Client(listen);
  std::string host = listen.substr(0, colon);
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return httplib::Client("http://" + host + listen.substr(colon));
}

ProbeAnswer probe_readiness(const std::string& listen) {
  httplib::Client client = local_client(listen);
  client.set_connection_timeout(kPatienceSeconds);
  client.set_read_timeout(kPatienceSeconds);
  // The library would send a socket's path as the host.
  const httplib::Result result = client.Get("/readyz", httplib::Headers{{"Host", "localhost"}});
  if (!result) return {};
  return {result->status, result->body};
}

}  // namespace cleave::http
