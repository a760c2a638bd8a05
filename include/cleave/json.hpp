// JSON in and out, for services: a strict reader of one flat object and an appending writer.
//
// The reader sits on nlohmann_json's SAX interface and adds what RFC 8259 leaves to the
// application and a public API must decide: duplicate keys, unknown members, depth, integers that
// are really integers, text without control characters. The writer is ours, not nlohmann's: it
// renders 100 rows in a tenth of the time (docs/decisions/0004-json-writer.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/message.hpp"
#include "cleave/problem.hpp"

namespace cleave {

/// The members of a JSON object, taken one by one. What is wrong with a request's body is collected
/// and told as a whole by done(): a 422 problem with the first mistake's slug and up to 16 of all
/// in `errors`, each at "/name": "required", "wrong-type", "out-of-range", "too-short", "too-long",
/// "forbidden-character", "unknown-field". Until then a taker that found a mistake gives a value
/// that means nothing: use none before done().
class JsonObject {
 public:
  /// Parses the body of a request. 415 unless it is application/json (with Accept-Post), 400 for
  /// what is no JSON, 400 for duplicate keys, too deep (32) or too many members (1,000); 422 when
  /// the root is no object.
  explicit JsonObject(const Request& request);
  /// The same for a text of any origin, such as a peer's answer, whatever its type; here each taker
  /// throws at once, as nobody mends such a text.
  explicit JsonObject(std::string_view text);
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;
  /// Throws what done() would have told of the members that were taken, should it not have been
  /// called: a mistake is never passed over (docs/decisions/0016-all-mistakes.md).
  ~JsonObject() noexcept(false);

  /// Text of `low` to `high` code points, valid UTF-8, without C0 controls and NUL.
  std::string text(std::string_view name, std::size_t low, std::size_t high);
  /// An integer token (1.0, 1e3, "1" and true are none) in [low, high].
  std::int64_t integer(std::string_view name, std::int64_t low, std::int64_t high);
  /// The same, but absent or null gives nullopt.
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t low,
                                               std::int64_t high);
  /// Throws when a member was wrong, or one is left that nobody took.
  void done();

 private:
  enum class Kind { kNull, kInteger, kText, kOther, kTooLarge };
  struct Member {
    std::string name;
    Kind kind;
    std::string text;
    std::int64_t number;
    bool used;
  };
  friend class JsonSax;
  void parse(std::string_view text);
  Member* find(std::string_view name);
  void wrong(const std::string& pointer, const char* code, const char* title);
  std::vector<Member> members_;
  bool at_once_;
  std::optional<Problem> mistakes_;
};

/// Appends JSON to a string; puts the commas itself. Keys are trusted, values are escaped;
/// invalid UTF-8 in a value becomes U+FFFD.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  /// A number that is already text, as PostgreSQL prints it; data() == nullptr writes null.
  JsonWriter& number(std::string_view digits);
  JsonWriter& boolean(bool value);
  /// A timestamptz as PostgreSQL prints it ("2026-01-31 12:00:00.5+00"), as RFC 3339.
  JsonWriter& timestamp(std::string_view postgres);
  JsonWriter& null();

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void comma();
  std::string& out_;
  bool first_ = true;
};

/// 200-style answer with Content-Type: application/json.
Response json_response(int status, std::string body);

}  // namespace cleave
