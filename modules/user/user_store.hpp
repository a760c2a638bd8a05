// The users in PostgreSQL: SQL and nothing else. Every method waits; all throw DatabaseError.
#pragma once

#include <optional>

#include "cleave/host.hpp"
#include "cleave/routes.hpp"
#include "user.hpp"

namespace user {

class UserStore {
 public:
  /// The columns of every result, in this order.
  enum Column { kId, kName, kEmail, kVersion, kCreatedAt };

  explicit UserStore(cleave::Host host) : host_(host) {}

  cleave::Rows find(cleave::Id id) const;                          // one row or none
  cleave::Rows list(std::int64_t after, std::int64_t most) const;  // by id
  cleave::Rows insert(const User& user) const;                     // the new row
  /// The new row; none when there is no such user or, with `versions`, when it is in none of them.
  cleave::Rows update(cleave::Id id, const User& user, const cleave::Versions& versions) const;
  cleave::Rows remove(cleave::Id id, const cleave::Versions& versions) const;  // the old row

 private:
  cleave::Host host_;
};

}  // namespace user
