#include "user_store.hpp"

namespace user {

using cleave::Id;
using cleave::Rows;

Rows UserStore::find(Id id) const {
  return host_.query_batched(
      "SELECT id, name, email, version, created_at, id AS key FROM users WHERE id = ANY ($1)",
      {id});
}

Rows UserStore::list(std::int64_t after, std::int64_t most) const {
  return host_.query(
      "SELECT id, name, email, version, created_at FROM users WHERE id > $1 ORDER BY id LIMIT $2",
      {after, most});
}

Rows UserStore::insert(const User& user) const {
  return host_.query(
      "INSERT INTO users (name, email) VALUES ($1, $2) "
      "RETURNING id, name, email, version, created_at",
      {user.name, user.email});
}

Rows UserStore::update(Id id, const User& user, const cleave::Versions& versions) const {
  return host_.query(
      "UPDATE users SET name = $2, email = $3, version = version + 1 "
      "WHERE id = $1 AND ($4::bigint[] IS NULL OR version = ANY ($4)) "
      "RETURNING id, name, email, version, created_at",
      {id, user.name, user.email, versions});
}

Rows UserStore::remove(Id id, const cleave::Versions& versions) const {
  return host_.query(
      "DELETE FROM users WHERE id = $1 AND ($2::bigint[] IS NULL OR version = ANY ($2)) "
      "RETURNING id, name, email, version, created_at",
      {id, versions});
}

}  // namespace user
