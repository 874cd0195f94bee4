// Package main renders a Helm chart as `helm template` does, as far as the charts of the operators need it.
//
// chart FOLDER RELEASE NAMESPACE < values.json > manifests.yaml
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"sigs.k8s.io/yaml"
)

type values = map[string]any

// files are what a chart holds beside its templates.
type files map[string]string

// Get is the text of one of them, empty where there is none, as Helm has it.
func (f files) Get(name string) string { return f[name] }

// Glob is those whose path matches.
func (f files) Glob(pattern string) files {
	found := files{}
	for name, text := range f {
		if matched, _ := path.Match(pattern, name); matched {
			found[name] = text
		}
	}
	return found
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	if len(arguments) != 3 {
		return errors.New("name a chart's folder, a release and a namespace")
	}
	folder, release, namespace := arguments[0], arguments[1], arguments[2]
	chart, defaults, wanted := values{}, values{}, values{}
	if err := read(filepath.Join(folder, "Chart.yaml"), &chart); err != nil {
		return err
	}
	if err := read(filepath.Join(folder, "values.yaml"), &defaults); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := json.NewDecoder(in).Decode(&wanted); err != nil {
		return err
	}
	held, templates, err := load(folder)
	if err != nil {
		return err
	}
	described := values{}
	for key, value := range chart {
		described[strings.ToUpper(key[:1])+key[1:]] = value
	}
	root := values{
		"Values":       merge(defaults, wanted),
		"Chart":        described,
		"Release":      values{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Files":        held,
		"Template":     values{"BasePath": "templates"},
		"Capabilities": values{"KubeVersion": values{"Version": "v1.36.3", "Major": "1", "Minor": "36"}},
	}
	return render(templates, root, out)
}

func read(name string, into any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}

func load(folder string) (files, map[string]string, error) {
	held, templates := files{}, map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, _ := filepath.Rel(folder, name)
		if entry.IsDir() {
			if inside == "charts" {
				return filepath.SkipDir // what it depends on is asked for by itself
			}
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(inside, "templates/") {
			if strings.HasSuffix(inside, ".yaml") || strings.HasSuffix(inside, ".tpl") {
				templates[inside] = string(text)
			}
			return nil
		}
		held[filepath.ToSlash(inside)] = string(text)
		return nil
	})
	return held, templates, err
}

// merge lays what is wanted over what is default.
func merge(below, above values) values {
	merged := values{}
	for key, value := range below {
		merged[key] = value
	}
	for key, value := range above {
		inner, isMap := value.(values)
		under, wasMap := merged[key].(values)
		if isMap && wasMap {
			merged[key] = merge(under, inner)
		} else {
			merged[key] = value
		}
	}
	return merged
}

func render(templates map[string]string, root values, out io.Writer) error {
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	names := make([]string, 0, len(templates))
	for name, text := range templates {
		names = append(names, name)
		if _, err := all.New(name).Parse(text); err != nil {
			return err
		}
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, name, root); err != nil {
			return err
		}
		// As Helm does: a value that is missing is nothing.
		if _, err := fmt.Fprintf(out, "---\n%s\n", strings.ReplaceAll(text.String(), "<no value>", "")); err != nil {
			return err
		}
	}
	return nil
}

func functions(all *template.Template) template.FuncMap {
	found := sprig.TxtFuncMap()
	found["include"] = func(name string, data any) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	found["tpl"] = func(text string, data any) (string, error) {
		inner, err := all.Clone()
		if err != nil {
			return "", err
		}
		inner.Funcs(functions(inner))
		if inner, err = inner.New("tpl").Parse(text); err != nil {
			return "", err
		}
		var said strings.Builder
		err = inner.Execute(&said, data)
		return strings.ReplaceAll(said.String(), "<no value>", ""), err
	}
	found["toYaml"] = func(value any) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	found["fromYaml"] = func(text string) (values, error) {
		value := values{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	found["fromYamlArray"] = func(text string) ([]any, error) {
		value := []any{}
		err := yaml.Unmarshal([]byte(text), &value)
		return value, err
	}
	found["required"] = func(warning string, value any) (any, error) {
		if value == nil || value == "" {
			return nil, errors.New(warning)
		}
		return value, nil
	}
	found["lookup"] = func(string, string, string, string) values { return values{} }
	return found
}
