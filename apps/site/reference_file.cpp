#include "site/reference_file.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "site/yaml_file.hpp"

namespace site {

namespace {

using analysis::Reference;

class ReferenceFile {
 public:
  explicit ReferenceFile(YamlProblems& problems) : problems_{problems} {}

  Reference read(const YAML::Node& root) {
    Reference reference;
    if (!root.IsMap()) {
      wrong(root, "", "must be a map of magnetic, electric and noise");
      return reference;
    }
    std::set<std::string> known;
    for (const auto& entry : root) {
      const auto key = entry.first.Scalar();
      if (!known.insert(key).second) wrong(entry.first, key, "stands here twice");
      if (key == "magnetic" || key == "electric")
        (key == "magnetic" ? reference.magnetic : reference.electric) = range(key, entry.second);
      else if (key == "noise")
        reference.noise = noise(entry.second);
      else
        wrong(entry.first, key, "is not known; there are magnetic, electric and noise");
    }
    return reference;
  }

 private:
  void wrong(const YAML::Node& at, const std::string& key, const std::string& what) { problems_.add(at.Mark(), key, what); }

  Reference::Range range(const std::string& key, const YAML::Node& value) {
    auto lists = numbers(key, value, {"f", "low", "high"});
    if (lists.empty()) return {};
    for (std::size_t i = 0; i < lists[0].size(); ++i)
      if (lists[1][i] > lists[2][i]) wrong(value, key, "low is above high at " + std::to_string(i + 1) + " of its frequencies");
    return {curve(lists[0], lists[1]), curve(lists[0], lists[2])};
  }

  std::map<std::string, Reference::Curve> noise(const YAML::Node& value) {
    std::map<std::string, Reference::Curve> all;
    if (!value.IsMap()) wrong(value, "noise", "must be a map of channels, like bx: {f: [0.01, 1], asd: [0.02, 0.0002]}");
    if (value.IsMap())
      for (const auto& entry : value) {
        const auto key = entry.first.Scalar();
        if (all.contains(key)) wrong(entry.first, "noise." + key, "stands here twice");
        const auto lists = numbers("noise." + key, entry.second, {"f", "asd"});
        all[key] = lists.empty() ? Reference::Curve{} : curve(lists[0], lists[1]);
      }
    return all;
  }

  static Reference::Curve curve(const std::vector<double>& hz, const std::vector<double>& asd) {
    Reference::Curve made;
    for (std::size_t i = 0; i < hz.size(); ++i) made.emplace_back(hz[i], asd[i]);
    return made;
  }

  /// Lists of as many numbers above 0, the first of them rising; none where something is wrong.
  std::vector<std::vector<double>> numbers(const std::string& key, const YAML::Node& value,
                                           const std::vector<std::string_view>& names) {
    const auto before = problems_.text().size();
    std::string all;
    for (const auto name : names) all += (all.empty() ? "" : ", ") + std::string{name};
    std::vector<std::vector<double>> lists(names.size());
    std::size_t n = 0;
    if (value.IsMap())
      for (const auto& entry : value) {
        const auto word = entry.first.Scalar();
        const auto found = std::find(names.begin(), names.end(), word);
        if (found == names.end()) {
          wrong(entry.first, key + "." + word, "is not known; there are " + all);
          continue;
        }
        auto& list = lists[static_cast<std::size_t>(found - names.begin())];
        if (!list.empty()) wrong(entry.first, key + "." + word, "stands here twice");
        list = list_of(key + "." + word, entry.second);
        n = std::max(n, list.size());
      }
    if (problems_.text().size() > before) return {};
    if (n < 2) wrong(value, key, "must be a map of " + all + ", each a list of two numbers or more");
    for (std::size_t i = 0; i < lists.size() && n >= 2; ++i)
      if (lists[i].size() != n)
        wrong(value, key,
              std::string{names[i]} + " has " + std::to_string(lists[i].size()) + " numbers and not " + std::to_string(n));
    for (std::size_t i = 1; i < lists[0].size(); ++i)
      if (lists[0][i] <= lists[0][i - 1]) wrong(value, key, "f must rise from one to the next");
    return problems_.text().size() > before ? std::vector<std::vector<double>>{} : lists;
  }

  std::vector<double> list_of(const std::string& key, const YAML::Node& value) {
    std::vector<double> list;
    if (!value.IsSequence()) wrong(value, key, "must be a list of numbers");
    if (value.IsSequence())
      for (const auto& item : value) {
        const std::string text = item.IsScalar() ? item.Scalar() : "";
        const double number = number_of(text).value_or(0);
        if (!(number > 0)) wrong(item, key, "'" + text + "' is not a number above 0");
        list.push_back(number);
      }
    return list;
  }

  YamlProblems& problems_;
};

}  // namespace

analysis::Reference read_reference(const std::filesystem::path& path) {
  return read_yaml_file(path, "curves",
                        [](const YAML::Node& root, YamlProblems& problems) { return ReferenceFile{problems}.read(root); });
}

}  // namespace site
