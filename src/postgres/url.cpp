#include "postgres/url.hpp"

#include <libpq-fe.h>

#include <cstring>
#include <memory>
#include <string_view>

namespace cleave::postgres {

UrlParts parse_url(const std::string& url) {
  UrlParts parts;
  char* message = nullptr;  // may quote a piece of the password: never shown
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  if (!options) {
    PQfreemem(message);
    parts.why =
        "neither postgresql://user:password@host/database (special "
        "characters in it "
        "percent-encoded) nor \"host=… dbname=…\" (values with spaces "
        "in single quotes)";
    return parts;
  }
  parts.valid = true;
  std::string host = "localhost", port, database;
  for (const PQconninfoOption* one = options.get(); one->keyword != nullptr; ++one) {
    if (one->val == nullptr || *one->val == '\0') continue;
    const std::string_view keyword = one->keyword;
    if (keyword == "user") parts.user = one->val;
    if (keyword == "options") parts.options = one->val;
    if (keyword == "host" || (keyword == "hostaddr" && host == "localhost")) host = one->val;
    if (keyword == "port") port = std::string(":") + one->val;
    if (keyword == "dbname") database = std::string("/") + one->val;
  }
  parts.where = host + port + database;
  return parts;
}

}  // namespace cleave::postgres
