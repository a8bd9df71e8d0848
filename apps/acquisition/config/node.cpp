#include "acquisition/config/node.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace daq::config {

namespace {

/// Stops the parser from inside an event.
struct Refused {
  std::string problem;
  Place place;
};

struct Extent {
  std::size_t nodes;
  int height;
};

Extent extent(const Node& node) {
  Extent all{1, 1};
  for (const auto& item : node.items) {
    const auto inner = extent(item);
    all.nodes += inner.nodes;
    all.height = std::max(all.height, inner.height + 1);
  }
  return all;
}

class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(std::shared_ptr<const Origin> origin) : origin_{std::move(origin)} {}

  Node root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{"a second YAML document begins here; one file holds one configuration", place(mark)};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(scalar(mark, Node::Kind::Null, {}, false), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    if (value.size() > kMaxScalar)
      throw Refused{"a text of " + std::to_string(value.size()) + " bytes; at most " + std::to_string(kMaxScalar) + " are taken",
                    place(mark)};
    Place ignored{origin_};
    if (auto wrong = text_problem(value, ignored); !wrong.empty()) throw Refused{wrong, place(mark)};  // written as an escape
    add(scalar(mark, Node::Kind::Scalar, value, tag != "?"), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{"an alias inside the value it stands for", place(mark)};
    const auto size = extent(found->second);
    check_depth(mark, size.height);
    nodes_ += size.nodes - 1;
    Node copy = found->second;
    copy.place = place(mark);
    add(std::move(copy), 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::Sequence, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, Node::Kind::Map, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    bool has_key = false;  ///< Map: the key is there, its value comes next
  };

  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    return mark.is_null() ? Place{origin_} : Place{origin_, mark.line + 1, mark.column + 1};
  }
  [[nodiscard]] Node scalar(const YAML::Mark& mark, Node::Kind kind, std::string text, bool quoted) const {
    Node node;
    node.kind = kind;
    node.quoted = quoted;
    node.text = std::move(text);
    node.place = place(mark);
    return node;
  }
  void check_depth(const YAML::Mark& mark, int more) const {
    if (int(open_.size()) + more > kMaxDepth)
      throw Refused{"nested deeper than " + std::to_string(kMaxDepth) + " levels", place(mark)};
  }
  void open(const YAML::Mark& mark, Node::Kind kind, YAML::anchor_t anchor) {
    check_depth(mark, 1);
    open_.push_back({scalar(mark, kind, {}, false), anchor});
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }
  void add(Node node, YAML::anchor_t anchor) {
    if (++nodes_ > kMaxNodes)
      throw Refused{"more than " + std::to_string(kMaxNodes) + " values (an alias counts as what it stands for)", node.place};
    if (anchor != 0) anchors_.insert_or_assign(anchor, node);
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    auto& parent = open_.back();
    if (parent.node.kind == Node::Kind::Map && !parent.has_key) {
      if (node.kind != Node::Kind::Scalar)
        throw Refused{
            "a key must be a word, not " + std::string{to_string(node.kind)} + "; a text that begins with { needs quotes",
            node.place};
      parent.node.keys.push_back({std::move(node.text), std::move(node.place)});
      parent.has_key = true;
      return;
    }
    parent.has_key = false;
    parent.node.items.push_back(std::move(node));
  }

  std::shared_ptr<const Origin> origin_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// Bytes of the UTF-8 character at the front, 0 if it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  if (length == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F))) return 0;
  if (length == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))) return 0;
  return length;
}

/// What the parser's words leave out.
std::string hint(const YAML::Exception& e, std::string_view text) {
  if (e.msg == YAML::ErrorMsg::END_OF_MAP_FLOW) return "; a text that begins with { needs quotes";
  for (int line = 0; !e.mark.is_null() && line < e.mark.line; ++line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  const auto first = text.find_first_not_of(' ');
  return first != std::string_view::npos && text[first] == '\t' ? "; indent with blanks, not with tabs" : "";
}

}  // namespace

std::string Place::where() const {
  return origin->lines ? origin->name + ":" + std::to_string(line) + ":" + std::to_string(column) : origin->name;
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.text == key; });
  return found == keys.end() ? nullptr : &items[std::size_t(found - keys.begin())];
}

std::string text_problem(std::string_view text, Place& at) {
  while (!text.empty()) {
    const char c = text.front();
    const auto length = utf8_length(text);
    if (length == 0) return "is not UTF-8 text";
    const auto code = static_cast<unsigned char>(c);  // of a plain char the processor decides whether it has a sign
    if ((code < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f')
      return "holds a control character (code " + std::to_string(int{code}) + ")";
    at.column = c == '\n' ? 1 : at.column + 1;
    at.line += c == '\n' ? 1 : 0;
    text.remove_prefix(length);
  }
  return "";
}

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Scalar:
      return "a single value";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Map:
      break;
  }
  return "a map";
}

ParsedText parse_yaml(std::string_view text, std::shared_ptr<const Origin> origin) {
  ParsedText parsed;
  parsed.root.place = parsed.place = Place{origin};
  if (text.size() > kMaxBytes) {
    parsed.problem = "is larger than " + std::to_string(kMaxBytes >> 20) + " MiB: not a configuration";
    return parsed;
  }
  Place at{origin};
  if (auto wrong = text_problem(text, at); !wrong.empty()) {
    parsed.problem = std::move(wrong);
    parsed.place = at;
    return parsed;
  }
  std::istringstream in{std::string{text}};
  Builder builder{origin};
  builder.root.place = Place{origin};
  try {
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(builder)) {
    }
    parsed.root = std::move(builder.root);
  } catch (const Refused& refused) {
    parsed.problem = refused.problem;
    parsed.place = refused.place;
  } catch (const YAML::Exception& e) {
    parsed.problem = "is not YAML: " + e.msg + hint(e, text);
    if (!e.mark.is_null()) parsed.place = Place{origin, e.mark.line + 1, e.mark.column + 1};
  }
  return parsed;
}

ParsedText parse_yaml_file(const std::string& path, std::shared_ptr<const Origin> origin) {
  std::string text;
  try {
    text = mth5::read_regular(path, kMaxBytes + 1);
  } catch (const mth5::FileError& e) {
    ParsedText failed;
    failed.problem = std::string{e.what()}.substr(path.size() + 2);
    failed.root.place = failed.place = Place{std::make_shared<const Origin>(Origin{origin->name, origin->rank, false, ""})};
    return failed;
  }
  return parse_yaml(text, std::move(origin));
}

}  // namespace daq::config
