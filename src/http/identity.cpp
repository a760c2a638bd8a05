#include "http/identity.hpp"

#include "cleave/json.hpp"
#include "cleave/problem.hpp"
#include "observe/trace.hpp"

namespace cleave::http {
namespace {

constexpr std::size_t kLongest = 256;

}  // namespace

const std::string& this_process() {
  static const auto uuid = observe::make_uuid();
  static const std::string text(uuid.data(), uuid.size());
  return text;
}

Response to_response(const Identity& identity) {
  std::string body;
  JsonWriter json(body);
  json.begin_object();
  json.key("module").text(identity.module).key("version").text(identity.version);
  json.key("place").text(identity.place).key("database").text(identity.database);
  json.key("process").text(this_process());
  json.key("state").text(identity.ready ? "ready" : "not-ready").end_object();
  return json_response(200, std::move(body));
}

std::optional<Identity> read_identity(const Response& response) {
  if (response.status != 200) return std::nullopt;
  try {
    JsonObject json(response.body);
    Identity identity;
    identity.module = json.text("module", 1, kLongest);
    identity.version = json.text("version", 1, kLongest);
    identity.place = json.text("place", 1, kLongest);
    identity.database = json.text("database", 0, kLongest);
    identity.process = json.text("process", 1, kLongest);
    identity.ready = json.text("state", 1, kLongest) == "ready";
    return identity;
  } catch (const Problem&) {
    return std::nullopt;
  }
}

}  // namespace cleave::http
