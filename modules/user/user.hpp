// A user, and the rules that one obeys. No SQL, no HTTP.
#pragma once

#include <string>

#include "cleave/json.hpp"
#include "cleave/problem.hpp"

namespace user {

struct User {
  std::string name;
  std::string email;
};

/// A deliberately simple check: one '@' with something before it and a dot after it. Whether an
/// address receives mail only a mail can tell.
inline bool plausible_email(std::string_view email) {
  const std::size_t at = email.find('@');
  if (at == 0 || at == std::string_view::npos || at != email.rfind('@')) return false;
  const std::string_view host = email.substr(at + 1);
  return host.find('.') != std::string_view::npos && !host.starts_with('.') &&
         !host.ends_with('.') && email.find(' ') == std::string_view::npos;
}

/// Takes a user out of a request's JSON; throws a Problem that names the offending member.
inline User from_json(cleave::JsonObject object) {
  User user{.name = object.text("name", 1, 255), .email = object.text("email", 3, 254)};
  object.done();
  if (!plausible_email(user.email)) {
    throw cleave::Problem(422, "invalid-email", "This is no e-mail address.")
        .at("/email", "invalid-email");
  }
  return user;
}

}  // namespace user
