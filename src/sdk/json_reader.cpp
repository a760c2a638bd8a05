#include <algorithm>
#include <cctype>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "cleave/json.hpp"
#include "cleave/problem.hpp"

namespace cleave {
namespace {

constexpr std::size_t kDeepest = 32;
constexpr std::size_t kMostMembers = 1000;
constexpr std::size_t kMostTold = 16;  // mistakes: who made more looks again anyway

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// application/json, with no parameter but charset=utf-8: RFC 8259 knows no other encoding.
bool is_json(std::string_view type) {
  const std::size_t semicolon = type.find(';');
  if (!iequals(trim(type.substr(0, semicolon)), "application/json")) return false;
  if (semicolon == std::string_view::npos) return true;
  const std::string_view parameter = trim(type.substr(semicolon + 1));
  return iequals(parameter, "charset=utf-8") || iequals(parameter, "charset=\"utf-8\"");
}

std::string_view body_of(const Request& request) {
  if (is_json(request.header("Content-Type"))) return request.body;
  throw Problem(415, "unsupported-media-type", "The body must be application/json.")
      .with("Accept-Post", "application/json");
}

/// Code points of well-formed UTF-8; the parser has refused anything else.
std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

/// A pointer to a member whose name came from the client: told only when it is harmless and short.
std::string safe_pointer(const std::string& name) {
  const bool harmless =
      name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
      });
  return harmless ? "/" + name : "";
}

Problem no_object() {
  return Problem(422, "wrong-type", "The body must be a JSON object.").at("", "wrong-type");
}

}  // namespace

/// Receives the events of nlohmann's parser and keeps the members of the root object.
class JsonSax {
 public:
  using Json = nlohmann::json;
  using Kind = JsonObject::Kind;
  explicit JsonSax(JsonObject& into) : into_(into) {}

  bool null() { return value(Kind::kNull); }
  bool boolean(bool) { return value(Kind::kOther); }
  bool number_integer(Json::number_integer_t number) { return value(Kind::kInteger, number); }
  bool number_unsigned(Json::number_unsigned_t number) {
    if (number > static_cast<std::uint64_t>(INT64_MAX)) return value(Kind::kTooLarge);
    return value(Kind::kInteger, static_cast<std::int64_t>(number));
  }
  bool number_float(Json::number_float_t, const std::string& token) {
    // An integer token beyond 64 bits arrives here, too; a double could not tell.
    const bool integer = token.find_first_not_of("-0123456789") == std::string::npos;
    return value(integer ? Kind::kTooLarge : Kind::kOther);
  }
  bool string(std::string& text) {
    if (!value(Kind::kText)) return false;
    if (depth_ == 1) into_.members_.back().text = std::move(text);
    return true;
  }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(true); }
  bool start_array(std::size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (++keys_ > kMostMembers) {
      throw Problem(400, "too-many-members", "The JSON has too many members.");
    }
    // Sorted: a thousand long names that differ in their last byte must not cost a million looks.
    auto& names = names_.back();
    const auto place = std::lower_bound(names.begin(), names.end(), name);
    if (place != names.end() && *place == name) {
      throw Problem(400, "duplicate-key", "The JSON has a key twice.");
    }
    names.insert(place, name);
    if (depth_ == 1) into_.members_.push_back({name, Kind::kOther, {}, 0, false});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) {
    throw Problem(400, "invalid-json", "The body is not valid JSON.");
  }

 private:
  bool value(Kind kind, std::int64_t number = 0) {
    if (depth_ == 0) throw no_object();
    if (depth_ == 1) {
      into_.members_.back().kind = kind;
      into_.members_.back().number = number;
    }
    return true;
  }
  bool open(bool object) {
    if (depth_ == 0 && !object) throw no_object();
    if (++depth_ > kDeepest) throw Problem(400, "too-deep", "The JSON is nested too deeply.");
    names_.emplace_back();
    return true;
  }
  bool close() {
    --depth_;
    names_.pop_back();
    return true;
  }

  JsonObject& into_;
  std::size_t depth_ = 0, keys_ = 0;
  std::vector<std::vector<std::string>> names_;  // of the open objects
};

JsonObject::JsonObject(const Request& request) : at_once_(false) {
  parse(body_of(request));
}

JsonObject::JsonObject(std::string_view text) : at_once_(true) {
  parse(text);
}

JsonObject::~JsonObject() noexcept(false) {
  if (mistakes_ && std::uncaught_exceptions() == 0) throw *std::move(mistakes_);
}

void JsonObject::parse(std::string_view text) {
  // The parser would skip a byte order mark, and take NUL for the end of the text.
  if (text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos) {
    throw Problem(400, "invalid-json", "The body is not valid JSON.");
  }
  JsonSax sax(*this);
  nlohmann::json::sax_parse(text.begin(), text.end(), &sax);
}

JsonObject::Member* JsonObject::find(std::string_view name) {
  for (Member& member : members_) {
    if (member.name != name) continue;
    member.used = true;
    return &member;
  }
  return nullptr;
}

void JsonObject::wrong(const std::string& pointer, const char* code, const char* title) {
  if (at_once_) throw Problem(422, code, title).at(pointer, code);
  if (!mistakes_) mistakes_.emplace(422, code, title);
  if (mistakes_->details().size() < kMostTold) *mistakes_ = std::move(*mistakes_).at(pointer, code);
}

std::string JsonObject::text(std::string_view name, std::size_t low, std::size_t high) {
  const auto none = [&](const char* code, const char* title) {
    wrong("/" + std::string(name), code, title);
    return std::string();
  };
  Member* member = find(name);
  if (member == nullptr) return none("required", "A member is missing.");
  if (member->kind != Kind::kText) return none("wrong-type", "A member must be text.");
  for (const unsigned char c : member->text) {
    if (c < 0x20 || c == 0x7f) {
      return none("forbidden-character", "A text has a control character.");
    }
  }
  const std::size_t size = code_points(member->text);
  if (size < low) return none("too-short", "A text is too short.");
  if (size > high) return none("too-long", "A text is too long.");
  return std::move(member->text);
}

std::int64_t JsonObject::integer(std::string_view name, std::int64_t low, std::int64_t high) {
  const Member* member = find(name);
  if (member == nullptr) {
    wrong("/" + std::string(name), "required", "A member is missing.");
  } else if (member->kind == Kind::kNull) {
    wrong("/" + std::string(name), "wrong-type", "A member must be a whole number.");
  } else if (const auto value = optional_integer(name, low, high)) {
    return *value;
  }
  return low;
}

std::optional<std::int64_t> JsonObject::optional_integer(std::string_view name, std::int64_t low,
                                                         std::int64_t high) {
  const Member* member = find(name);
  if (member == nullptr || member->kind == Kind::kNull) return std::nullopt;
  const bool integer = member->kind == Kind::kInteger;
  if (!integer && member->kind != Kind::kTooLarge) {
    wrong("/" + std::string(name), "wrong-type", "A member must be a whole number.");
    return std::nullopt;
  }
  if (!integer || member->number < low || member->number > high) {
    wrong("/" + std::string(name), "out-of-range", "A number is out of range.");
    return std::nullopt;
  }
  return member->number;
}

void JsonObject::done() {
  for (const Member& member : members_) {
    if (member.used) continue;
    wrong(safe_pointer(member.name), "unknown-field", "A member is not known here.");
  }
  if (!mistakes_) return;
  const Problem told = *std::exchange(mistakes_, std::nullopt);
  throw told;
}

}  // namespace cleave
