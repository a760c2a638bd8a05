// Problem: an error that a client may see, as RFC 9457 "problem details".
//
// A handler throws it; the glue in module.hpp turns it into an application/problem+json answer.
// Titles are fixed sentences: never put a client's bytes or an exception's text in one.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"

namespace cleave {

class Problem : public std::exception {
 public:
  /// One offending place in the input: pointer "/user_id" (RFC 6901) or "?limit", code "unknown".
  struct Detail {
    std::string pointer, code;
  };

  Problem(int status, std::string slug, std::string title)
      : status_(status), slug_(std::move(slug)), title_(std::move(title)) {}

  /// Builders: `throw Problem(422, "unknown-user", "No such user.").at("/user_id", "unknown")`.
  Problem at(std::string pointer, std::string code) &&;
  Problem with(std::string_view header, std::string_view value) &&;
  Problem retry_after(int seconds) &&;

  int status() const noexcept { return status_; }
  std::string_view slug() const noexcept { return slug_; }
  std::string_view title() const noexcept { return title_; }
  const std::vector<Detail>& details() const noexcept { return details_; }
  const char* what() const noexcept override { return title_.c_str(); }

  /// The answer: type, title, status, instance (the request id) and errors, never cached.
  Response response(std::string_view request_id) const;

 private:
  int status_;
  std::string slug_, title_;
  std::vector<Detail> details_;
  std::vector<Header> headers_;
};

/// What Host::query and its kin throw: also says what the database said.
class DatabaseError : public Problem {
 public:
  explicit DatabaseError(const cleave_error& error);
  std::string_view sqlstate() const noexcept { return sqlstate_; }
  std::string_view constraint() const noexcept { return constraint_; }

 private:
  std::string sqlstate_, constraint_;
};

}  // namespace cleave
