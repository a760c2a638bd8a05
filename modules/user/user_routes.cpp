#include "user_routes.hpp"

#include <string>

namespace user {
namespace {

using cleave::DatabaseError;
using cleave::Id;
using cleave::Problem;
using cleave::Request;
using cleave::Response;
using cleave::Rows;

void append(cleave::JsonWriter& json, const Rows& rows, std::size_t row) {
  json.begin_object();
  json.key("id").number(rows.text(row, UserStore::kId));
  json.key("name").text(rows.text(row, UserStore::kName));
  json.key("email").text(rows.text(row, UserStore::kEmail));
  json.key("version").number(rows.text(row, UserStore::kVersion));
  json.key("created_at").timestamp(rows.text(row, UserStore::kCreatedAt));
  json.end_object();
}

/// 200 or 201 with the first row and its ETag.
Response one(int status, const Rows& rows) {
  std::string body;
  cleave::JsonWriter json(body);
  append(json, rows, 0);
  Response response = cleave::json_response(status, std::move(body));
  response.set("ETag", cleave::etag(rows.text(0, UserStore::kVersion)));
  return response;
}

Problem no_such_user() {
  return {404, "not-found", "There is no such user."};
}

/// A write that met no row: the user does not exist, or exists in another version.
Problem missing_or_changed(const UserStore& store, Id id) {
  if (store.find(id).empty()) return no_such_user();
  return {412, "precondition-failed", "The user has been changed since."};
}

/// Runs a write; a taken e-mail becomes 409 at its member.
template <class Write>
Rows unless_taken(Write&& write) {
  try {
    return write();
  } catch (const DatabaseError& error) {
    if (error.constraint() != "users_email_key") throw;
    throw Problem(409, "conflict", "This e-mail address is taken.").at("/email", "taken");
  }
}

}  // namespace

UserRoutes::UserRoutes(UserStore store) : store_(store) {
  routes_.add("GET", "/users", [this](const Request& r) { return list(r); });
  routes_.add("POST", "/users", [this](const Request& r) { return create(r); });
  routes_.add("GET", "/users/{id}", [this](const Request& r, Id id) { return read(r, id); });
  routes_.add("PUT", "/users/{id}", [this](const Request& r, Id id) { return replace(r, id); });
  routes_.add("DELETE", "/users/{id}", [this](const Request& r, Id id) { return remove(r, id); });
}

Response UserRoutes::list(const Request& request) const {
  cleave::QueryString query(request.query);
  const cleave::Page page = cleave::Page::from(query);
  query.done();
  const Rows rows =
      store_.list(page.after, page.limit + 1);  // one more tells whether there is more
  return cleave::page_response("/users", page, rows, "", append);
}

Response UserRoutes::read(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const Rows rows = store_.find(id);
  if (rows.empty()) throw no_such_user();
  const std::string tag = cleave::etag(rows.text(0, UserStore::kVersion));
  if (cleave::not_modified(request, tag)) return Response{.status = 304}.set("ETag", tag);
  return one(200, rows);
}

Response UserRoutes::create(const Request& request) const {
  cleave::QueryString(request.query).done();
  const User user = from_json(cleave::JsonObject(request));
  const Rows rows = unless_taken([&] { return store_.insert(user); });
  Response response = one(201, rows);
  response.set("Location", "/users/" + std::string(rows.text(0, UserStore::kId)));
  return response;
}

Response UserRoutes::replace(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  const User user = from_json(cleave::JsonObject(request));
  const cleave::Versions versions = cleave::if_match(request);
  const Rows rows = unless_taken([&] { return store_.update(id, user, versions); });
  if (rows.empty()) throw missing_or_changed(store_, id);
  return one(200, rows);
}

Response UserRoutes::remove(const Request& request, Id id) const {
  cleave::QueryString(request.query).done();
  if (store_.remove(id, cleave::if_match(request)).empty()) throw missing_or_changed(store_, id);
  return {.status = 204};
}

}  // namespace user
