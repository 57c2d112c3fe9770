package gguf_test

import (
	"strings"
	"testing"

	"funai/model"
	"funai/model/gguf"
	"funai/model/modeltest"
	"funai/model/template"

	"github.com/hybridgroup/yzma/pkg/llama"
)

// shapes are templates of the shapes that llama.cpp knows by name, written here in Jinja.
var shapes = map[string]string{
	"chatml": `{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`,
	"llama3": `{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}`,
	"llama2-sys": `{% set ns = namespace(first=true) %}{% for m in messages %}{% if m.role == 'system' %}{% elif m.role == 'user' %}
{{- '[INST] ' }}{% if loop.previtem is defined and loop.previtem.role == 'system' %}{{ '<<SYS>>\n' + loop.previtem.content + '\n<</SYS>>\n\n' }}{% endif %}{{ m.content + ' [/INST]' }}
{%- else %}{{ m.content + '</s>' }}{% endif %}{% endfor %}`,
	"gemma":      `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}`,
	"mistral-v1": `{% for m in messages %}{% if m.role == 'user' %}{{ ' [INST] ' + m.content + ' [/INST]' }}{% elif m.role == 'assistant' %}{{ ' ' + m.content + '</s>' }}{% endif %}{% endfor %}`,
	"phi3":       `{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
	"zephyr":     `{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|endoftext|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}`,
	"monarch":    `{% for m in messages %}{{ (bos_token if not loop.first else '') + m.role + '\n' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}`,
	"deepseek2":  `{% for m in messages %}{% if m.role == 'system' %}{{ m.content + '\n\n' }}{% elif m.role == 'user' %}{{ 'User: ' + m.content + '\n\n' }}{% else %}{{ 'Assistant: ' + m.content + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}`,
	"command-r":  `{% for m in messages %}{{ {'system': '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>', 'user': '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>', 'assistant': '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>'}[m.role] + m.content | trim + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}`,
}

// TestTemplatesAgreeWithLlamaCpp renders conversations by Jinja and by llama.cpp's own code for the shape.
func TestTemplatesAgreeWithLlamaCpp(t *testing.T) {
	modeltest.Open(t, stories, gguf.Options{}) // loads llama.cpp
	say := func(words ...string) (ms []model.Message) {
		for i := 0; i < len(words); i += 2 {
			ms = append(ms, model.Message{Role: words[i], Content: words[i+1]})
		}
		return ms
	}
	conversations := [][]model.Message{
		say("user", "Hi there"),
		say("system", "Be brief.", "user", "Hi <b> & 'q' \"é\""),
		say("user", "a", "assistant", "b", "user", "c"),
		say("system", "s", "user", "a\nb", "assistant", "c", "user", "d"),
	}
	for name, source := range shapes {
		x, err := template.New(source, "<s>", "</s>")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(x.Close)
		for i, ms := range conversations {
			hasSystem := ms[0].Role == "system"
			if hasSystem && (name == "gemma" || name == "mistral-v1") {
				continue // they know no system; package gguf says it as the user
			}
			var chat []llama.ChatMessage
			for _, m := range ms {
				chat = append(chat, llama.NewChatMessage(m.Role, m.Content))
			}
			buffer := make([]byte, 4096)
			n := llama.ChatApplyTemplate(name, chat, true, buffer)
			if n < 0 {
				t.Fatalf("llama.cpp doesn't know %s", name)
			}
			got, err := x.Render(t.Context(), template.Input{Messages: ms})
			if want := string(buffer[:n]); got != want || err != nil {
				t.Errorf("%s, conversation %d: %q, llama.cpp %q; %v", name, i, got, want, err)
			}
		}
	}
}

func TestTinyLlamaIsSpokenToAsItLearned(t *testing.T) {
	e := modeltest.Open(t, "tinyllama-1.1b-chat", gguf.Options{})
	got, systems, tools, err := gguf.Rendered(t.Context(), e, []model.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: " Hi</s> "}, {Role: "assistant", Content: "Yes"}, {Role: "user", Content: "so"}}, nil)
	want := "<|system|>\nBe brief.</s>\n<|user|>\n Hi<\u200b/s> </s>\n<|assistant|>\nYes</s>\n<|user|>\nso</s>\n<|assistant|>\n"
	if got != want || err != nil || !systems || tools {
		t.Fatalf("%q, want %q; %v, %v, %v", got, want, systems, tools, err)
	}
	got, _, _, err = gguf.Rendered(t.Context(), e, []model.Message{{Role: "user", Content: "so"}}, []model.Tool{{Name: "clock", Description: "tells the time"}})
	if err != nil || !strings.HasPrefix(got, "<|system|>\nYou may call") || !strings.Contains(got, "tells the time") {
		t.Fatalf("%q, %v", got, err)
	}
}
